import type { BufferLayout } from '../contract.ts';

/** For pages that stay where they are: measures until a layout is known, and then no more. */
export function rememberLayout(measure: () => BufferLayout): () => BufferLayout {
  let known: BufferLayout | undefined;
  return () => {
    if (known !== undefined) return known;
    const layout = measure();
    if (layout.known) known = layout;
    return layout;
  };
}
