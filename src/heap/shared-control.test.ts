import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { stateOf } from '../../test/support/runner/promise-state.ts';
import { until } from '../../test/support/runner/settled.ts';
import type { WorkerTask } from '../../test/support/processes/shared-control-worker.ts';
import { isDmaBufError } from '../base/errors.ts';
import { SharedControl } from './shared-control.ts';

const WORKER = new URL('../../test/support/processes/shared-control-worker.js', import.meta.url);

interface Thread {
  readonly worker: Worker;
  /** The result of its task. Rejects when the thread ended without one. */
  readonly result: Promise<number>;
  readonly ended: Promise<unknown>;
}

/** Threads that begin their task together, once all of them run. */
function startThreads(
  t: TestContext,
  shared: SharedWithTickets,
  tasks: readonly Pick<WorkerTask, 'task' | 'count'>[],
): Thread[] {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  return tasks.map(({ task, count }) => {
    const { control, tickets } = shared;
    const workerData: WorkerTask = { task, count, words: control.words, tickets, gate, threadCount: tasks.length };
    const worker = new Worker(WORKER, { workerData });
    t.after(() => worker.terminate());
    const ended = once(worker, 'exit');
    const message = once(worker, 'message').then(([value]) => value as number);
    const early = ended.then(() => assert.fail('The thread ended without a result'));
    return { worker, ended, result: Promise.race([message, early]) };
  });
}

/** A control with open handles, and their tickets. */
interface SharedWithTickets {
  readonly control: SharedControl;
  readonly tickets: Int32Array<SharedArrayBuffer>[];
}

function controlWith(handleCount: number): SharedWithTickets {
  const control = new SharedControl();
  return { control, tickets: Array.from({ length: handleCount }, () => control.addHandle()) };
}

/** A control with one open handle. */
function controlWithHandle(): { control: SharedControl; ticket: Int32Array<SharedArrayBuffer> } {
  const control = new SharedControl();
  return { control, ticket: control.addHandle() };
}

/** The ticket of a handle that was already opened. */
function usedTicket(): Int32Array {
  return new Int32Array(1);
}

/**
 * Asserts that there are no holders: the next retirement succeeds, and refuses openings from then
 * on.
 */
function assertReleased(control: SharedControl): void {
  assert.equal(control.retire(), true);
  assert.equal(control.open(usedTicket()), false);
}

test('SharedControl has no holders at first: it retires, repeatedly, and can no longer be opened', () => {
  const control = new SharedControl();
  assert.equal(control.retire(), true);
  assert.equal(control.retire(), true);
  assert.equal(control.open(usedTicket()), false);
});

test('SharedControl is held by an unopened handle', () => {
  const { control, ticket } = controlWithHandle();
  assert.equal(control.retire(), false);
  assert.equal(control.discard(ticket), true);
  assert.equal(control.discard(ticket), false);
  assertReleased(control);
});

test('SharedControl.open turns the handle into a holder, which release removes', () => {
  const { control, ticket } = controlWithHandle();
  assert.equal(control.open(ticket), true);
  assert.equal(control.discard(ticket), false);
  assert.equal(control.retire(), false);
  control.release();
  assertReleased(control);
});

test('SharedControl.open adds a holder for each further opening, while there is a holder', () => {
  const { control, ticket } = controlWithHandle();
  for (let opening = 0; opening < 3; opening += 1) assert.equal(control.open(ticket), true);
  for (let holder = 3; holder > 0; holder -= 1) {
    assert.equal(control.retire(), false);
    control.release();
  }
  assertReleased(control);
});

test('SharedControl.open, repeated, does not use up the holder of another handle', () => {
  const { control, ticket } = controlWithHandle();
  const other = control.addHandle();
  assert.equal(control.open(ticket), true);
  assert.equal(control.open(ticket), true);
  control.release();
  control.release();
  assert.equal(control.discard(ticket), false);
  assert.equal(control.open(other), true);
  control.release();
  assertReleased(control);
});

test('SharedControl.addHandle allows openings again after a retirement', () => {
  const { control, ticket } = controlWithHandle();
  assert.equal(control.discard(ticket), true);
  assertReleased(control);
  const next = control.addHandle();
  assert.equal(control.retire(), false);
  assert.equal(control.open(next), true);
  control.release();
  assertReleased(control);
});

test('SharedControl over the words of another shares its state', () => {
  const { control, ticket } = controlWithHandle();
  const other = new SharedControl(control.words);
  assert.equal(other.open(ticket), true);
  assert.equal(control.retire(), false);
  control.release();
  assertReleased(other);
});

test('SharedControl.release asserts that there is a holder', () => {
  assert.throws(() => new SharedControl().release(), { name: 'InvariantError' });
});

test('SharedControl.releaseEndedThreads keeps the holders of living threads', () => {
  const { control, ticket } = controlWithHandle();
  control.open(ticket);
  control.releaseEndedThreads();
  assert.equal(control.retire(), false);
  control.release();
  assertReleased(control);
});

test('SharedControl ends without holders after two threads opened and released over and over', async (t) => {
  const shared = controlWith(2);
  const { control, tickets } = shared;
  const count = 20_000;
  const threads = startThreads(t, shared, [
    { task: 'hammer', count },
    { task: 'hammer', count },
  ]);
  assert.deepEqual(await Promise.all(threads.map(({ result }) => result)), [count + 1, count + 1]);
  await Promise.all(threads.map(({ ended }) => ended));
  control.releaseEndedThreads();
  // Both began with the first handle. So the second was never opened, and kept the control open
  // meanwhile.
  assert.equal(control.discard(tickets[1] as Int32Array), true);
  assertReleased(control);
});

test('SharedControl reuses the slots of ended threads, as each new handle removes their holders', async (t) => {
  const control = new SharedControl();
  for (let turn = 0; turn < 66; turn += 1) {
    const [thread] = startThreads(t, { control, tickets: [control.addHandle()] }, [{ task: 'open', count: 1 }]);
    assert.equal(await thread?.result, 1);
    await thread?.ended;
  }
  while (!control.retire()) {
    await sleep(1);
    control.releaseEndedThreads();
  }
  assertReleased(control);
});

test('SharedControl gives each handle to one of two threads that take them back at once', async (t) => {
  const handleCount = 5000;
  const shared = controlWith(handleCount);
  const { control } = shared;
  const threads = startThreads(t, shared, [
    { task: 'discard', count: 0 },
    { task: 'discard', count: 0 },
  ]);
  const [first = 0, second = 0] = await Promise.all(threads.map(({ result }) => result));
  assert.equal(first + second, handleCount);
  assertReleased(control);
});

for (const how of ['ends', 'is terminated'] as const) {
  test(`SharedControl.releaseEndedThreads removes only the holders of a thread that ${how} without a release`, async (t) => {
    const shared = controlWith(1);
    const { control } = shared;
    control.open(usedTicket());
    const [thread] = startThreads(t, shared, [{ task: 'open', count: 3 }]);
    assert.equal(await thread?.result, 3);
    await (how === 'ends' ? thread?.ended : thread?.worker.terminate());
    assert.equal(control.retire(), false);
    control.release();
    assert.equal(control.retire(), false);
    // The kernel removes a thread a moment after Node does.
    while (!control.retire()) {
      await sleep(1);
      control.releaseEndedThreads();
    }
    control.releaseEndedThreads();
    assertReleased(control);
  });
}

test('SharedControl.pendingCount counts readers and writers separately', () => {
  const control = new SharedControl();
  control.publishPending(1, 3);
  assert.equal(control.pendingCount('read'), 1);
  assert.equal(control.pendingCount('write'), 3);
  assert.equal(control.pendingCount('readwrite'), 3);
});

test('SharedControl.pendingChange resolves when the count has changed, and at once where it differs', async () => {
  const control = new SharedControl();
  control.publishPending(1, 2);
  await control.pendingChange('read', 2);
  const [read, write] = [control.pendingChange('read', 1), control.pendingChange('write', 2)];
  assert.equal(await stateOf(read), 'pending');
  assert.equal(await stateOf(write), 'pending');
  control.publishPending(0, 0);
  await read;
  await write;
});

test('SharedControl.pendingChange rejects with the reason when aborted before or while it waits', async () => {
  const control = new SharedControl();
  control.publishPending(1, 1);
  const reason = new Error('given up');
  await assert.rejects(control.pendingChange('read', 1, AbortSignal.abort(reason)), (error) => error === reason);
  const controller = new AbortController();
  const wait = control.pendingChange('read', 1, controller.signal);
  assert.equal(await stateOf(wait), 'pending');
  controller.abort(reason);
  await assert.rejects(wait, (error) => error === reason);
});

for (const [task, how] of [
  ['block', 'blocked in blockUntilPendingChange'],
  ['wait', 'with nothing to do but to await pendingChange'],
] as const) {
  test(`SharedControl.publishPending wakes a thread ${how}`, async (t) => {
    const control = new SharedControl();
    control.publishPending(1, 1);
    const [thread] = startThreads(t, { control, tickets: [] }, [{ task, count: 0 }]);
    assert.ok(thread !== undefined);
    await once(thread.worker, 'online');
    // Time for it to block, or to end for lack of work. If the time is too short, the test passes
    // all the same.
    await sleep(200);
    assert.equal(await stateOf(thread.result), 'pending');
    control.publishPending(0, 1);
    assert.equal(await thread.result, 0);
  });
}

test('SharedControl reuses the slots of ended threads, by openings of one handle', async (t) => {
  const shared = controlWith(1);
  shared.control.open(usedTicket());
  for (let turn = 0; turn < 66; turn += 1) {
    const [thread] = startThreads(t, shared, [{ task: 'open', count: 1 }]);
    assert.equal(await thread?.result, 1);
    await (turn % 2 === 0 ? thread?.ended : thread?.worker.terminate());
  }
});

test('SharedControl.open refuses one more thread while 64 living threads hold', async (t) => {
  const shared = controlWith(1);
  const tasks = Array.from({ length: 64 }, () => ({ task: 'openAndStay' as const, count: 1 }));
  const threads = startThreads(t, shared, tasks);
  assert.deepEqual(await Promise.all(threads.map(({ result }) => result)), Array(64).fill(1));
  assert.throws(() => shared.control.open(usedTicket()), { code: 'EMFILE' });
  await threads[0]?.worker.terminate();
  // The kernel removes a thread a moment after Node does.
  await until(() => isOpened(shared.control));
});

/** Whether this thread could open it: false where too many have. */
function isOpened(control: SharedControl): boolean {
  try {
    return control.open(usedTicket());
  } catch (error) {
    if (isDmaBufError(error, 'EMFILE')) return false;
    throw error;
  }
}
