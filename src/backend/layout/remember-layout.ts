import type { BufferLayout } from '../../heap/backend.ts';

/** For pages that do not move: measures until a layout is known, and then no more. */
export function rememberLayout(measure: () => BufferLayout): () => BufferLayout {
  let known: BufferLayout | undefined;
  return () => {
    if (known !== undefined) return known;
    const layout = measure();
    if (layout.known) known = layout;
    return layout;
  };
}
