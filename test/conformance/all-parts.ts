import { test } from 'node:test';

import { testAccess } from './access.ts';
import { testAllocate } from './allocate.ts';
import { testLifetime } from './lifetime.ts';
import { testPictures } from './pictures.ts';
import { testParts } from './parts.ts';
import { testReadOnly } from './read-only.ts';
import type { HeapUnderTest } from './suite.ts';
import { testThreads } from './threads.ts';
import { testVmap } from './vmap.ts';
import { testWasm } from './wasm.ts';

/** Declares the whole suite for one kind of heap. */
export function testHeap(subject: HeapUnderTest): void {
  const { name, missing = false } = subject;
  if (missing !== false) {
    test(`${name}: the whole suite`, { skip: missing }, () => {});
    return;
  }
  const parts = [
    testAllocate,
    testVmap,
    testParts,
    testReadOnly,
    testAccess,
    testLifetime,
    testThreads,
    testWasm,
    testPictures,
  ];
  for (const testPart of parts) testPart(subject);
}
