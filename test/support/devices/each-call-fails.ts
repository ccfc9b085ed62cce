import assert from 'node:assert/strict';

import { isDmaBufError } from '../../../src/base/errors.ts';
import { Machine } from '../../../src/linux/machine.ts';
import { FailingCalls } from '../fakes/failing-calls.ts';
import { assertSettles, settled } from '../runner/settled.ts';
import { heldFiles } from './vivid.ts';

/** Opens a device, uses it, and closes it. */
export type DeviceOperation = (machine: Machine) => Promise<void>;

/**
 * Lets the n-th system call of an operation fail, for every n. Each failure must be a typed error
 * or be done without, and leave nothing open.
 */
export async function checkEachCallFails(operation: DeviceOperation): Promise<void> {
  const failing = new FailingCalls();
  const machine = new Machine({ raw: failing.raw });
  const before = await settled(heldFiles);
  let [failed, n] = [0, 1];
  for (; ; n += 1) {
    failing.failAt(n);
    try {
      await operation(machine);
    } catch (error) {
      assert.ok(isTyped(error), `call ${n} (${failing.failed}): ${String(error)}`);
      failed += 1;
    }
    const wasReached = failing.failed !== undefined;
    failing.failAt();
    await assertSettles(heldFiles, before, `call ${n}`);
    if (!wasReached) break;
  }
  assert.ok(failed >= 5, `${failed} of ${n} failed`);
}

/** Whichever ways there are to say so: several things that failed are an AggregateError. */
function isTyped(error: unknown): boolean {
  return error instanceof AggregateError ? error.errors.every(isTyped) : isDmaBufError(error);
}
