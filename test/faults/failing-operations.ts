import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { MiB, isDmaBufError } from '../../src/index.ts';
import type { Heap } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeapOptions } from '../../src/backend/embedded/embedded-heap.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { heldMemory } from '../support/runner/leak-check.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

export const OPTIONS: EmbeddedHeapOptions = { capacity: 64 * MiB };
/** Eight chunks that do not touch: a window of eight runs. */
export const SCATTERED: EmbeddedHeapOptions = { ...OPTIONS, fragmentation: { mix: 'fresh', length: 8 * MiB } };

export interface Operation {
  readonly name: string;
  readonly options?: EmbeddedHeapOptions;
  /**
   * Sets the scene, with no call failing. Returns the operation itself, and what undoes it when it
   * succeeded.
   */
  prepare(heap: Heap): { run: () => unknown; undo: () => void };
}

export const noUndo = (): void => {};

/**
 * Declares a test for each: its first call fails, then its second, …, until it succeeds with none
 * failing.
 */
export function testOperations(operations: readonly Operation[]): void {
  for (const operation of operations) {
    test(`${operation.name}: the n-th system call fails, for every n`, () => {
      let n = 1;
      for (; ; n += 1) {
        if (!runWithFailure(operation, n)) break;
      }
      assert.ok(n > 1, 'the operation makes at least one system call');
    });
  }
}

/** What must be the same before and after a failure. */
function stateOf(heap: Heap): unknown {
  const { usedBytes, bufferCount, mappingCount, freeBlockCounts } = heap.stats();
  return { usedBytes, bufferCount, mappingCount, freeBlockCounts, fds: heldMemory().fds.length };
}

/** Runs the operation with its n-th call failing. False when it has fewer calls than that. */
function runWithFailure(operation: Operation, n: number): boolean {
  const calls = new FailingCalls();
  const heap = openEmbeddedHeap(operation.options ?? OPTIONS, otherMachine({ raw: calls.raw }));
  const { run, undo } = operation.prepare(heap);
  const before = stateOf(heap);
  calls.failAt(n);
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  const { failed } = calls;
  calls.failAt();
  if (thrown !== undefined) {
    assert.ok(isDmaBufError(thrown), `call ${n}, ${failed}: ${inspect(thrown)}`);
    assert.equal(thrown.syscall, failed);
    assert.deepEqual(stateOf(heap), before, `call ${n}, ${failed}, leaves the state changed`);
    // As before also means: it can be done now.
    run();
  }
  undo();
  const left = heap.stats();
  assert.deepEqual(
    [left.usedBytes, left.bufferCount, left.mappingCount, left.pendingReleaseCount],
    [0, 0, 0, 0],
    `call ${n}, ${failed}`,
  );
  const whole = heap.allocate(8 * MiB);
  whole.accessSync('read', (bytes) =>
    assert.ok(
      bytes.every((byte) => byte === 0),
      `call ${n}, ${failed}: a byte is left over`,
    ),
  );
  whole.close();
  heap.close();
  assert.deepEqual(heldMemory().fds, [], `call ${n}, ${failed}`);
  return failed !== undefined;
}
