import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';

import type { Heap } from '../../src/index.ts';

/** The features that a backend may lack. */
export type Feature =
  | 'layout'
  | 'export'
  | 'capacity'
  | 'collection'
  | 'many'
  | 'privateViews'
  | 'readOnlySharing'
  | 'viewsOf4GiB';

/** A heap that the suite runs on. */
export interface HeapUnderTest {
  /** For the names of the tests. */
  readonly name: string;
  /** Why this machine cannot open it; false where it can. */
  readonly missing?: string | false;
  open(): Heap;
  /** For each missing feature, the reason, in a sentence. */
  readonly lacks: Partial<Record<Feature, string>>;
}

/** The features that the runtime lacks, for any backend. */
const RUNTIME_LACKS: Partial<Record<Feature, string>> =
  'bun' in process.versions
    ? {
        viewsOf4GiB: 'Bun has no SharedArrayBuffer of 4 GiB',
      }
    : {};

/**
 * Declares a test on a heap of its own, closed afterwards. Skipped, with the reason, where the
 * backend lacks what it needs.
 */
export function heapTest(
  subject: HeapUnderTest,
  name: string,
  body: (heap: Heap, context: TestContext) => Promise<void> | void,
  needs: readonly Feature[] = [],
): void {
  const reason = needs
    .map((feature) => RUNTIME_LACKS[feature] ?? subject.lacks[feature])
    .find((lack) => lack !== undefined);
  const options = reason === undefined ? {} : { skip: reason };
  test(`${subject.name}: ${name}`, options, async (context) => {
    const heap = subject.open();
    try {
      await body(heap, context);
    } finally {
      heap.close();
    }
  });
}

/**
 * Node prints a warning for each buffer that is collected unclosed. Tests that expect one check it,
 * the others see none.
 */
export function collectWarnings(): Error[] {
  const warnings: Error[] = [];
  const listener = (warning: Error): void => {
    if (warning.name === 'DmaBufWarning') warnings.push(warning);
  };
  before(() => process.on('warning', listener));
  after(() => process.off('warning', listener));
  return warnings;
}
