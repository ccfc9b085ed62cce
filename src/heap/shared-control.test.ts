import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { stateOf } from '../../test/support/promise-state.ts';
import type { WorkerTask } from '../../test/support/shared-control-worker.ts';
import { SharedControl } from './shared-control.ts';

const WORKER = new URL('../../test/support/shared-control-worker.js', import.meta.url);

interface Thread {
  readonly worker: Worker;
  /** What its task gave. Rejects when it ended without. */
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

/** A control with handles on their way, and their tickets. */
interface SharedWithTickets {
  readonly control: SharedControl;
  readonly tickets: Int32Array<SharedArrayBuffer>[];
}

function controlWith(handleCount: number): SharedWithTickets {
  const control = new SharedControl();
  return { control, tickets: Array.from({ length: handleCount }, () => control.addHandle()) };
}

/** A control with one handle on its way. */
function controlWithHandle(): { control: SharedControl; ticket: Int32Array<SharedArrayBuffer> } {
  const control = new SharedControl();
  return { control, ticket: control.addHandle() };
}

/** The ticket of a handle that was opened before. */
function usedTicket(): Int32Array {
  return new Int32Array(1);
}

/** Nobody holds: the next retirement succeeds, and closes the door. */
function assertReleased(control: SharedControl): void {
  assert.equal(control.retire(), true);
  assert.equal(control.open(usedTicket()), false);
}

test('SharedControl belongs to nobody at first: it retires, again too, and then nobody can open it', () => {
  const control = new SharedControl();
  assert.equal(control.retire(), true);
  assert.equal(control.retire(), true);
  assert.equal(control.open(usedTicket()), false);
});

test('SharedControl is held by a handle that nobody has opened', () => {
  const { control, ticket } = controlWithHandle();
  assert.equal(control.retire(), false);
  assert.equal(control.discard(ticket), true);
  assert.equal(control.discard(ticket), false);
  assertReleased(control);
});

test('SharedControl.open makes the handle a holder, which release lets go', () => {
  const { control, ticket } = controlWithHandle();
  assert.equal(control.open(ticket), true);
  assert.equal(control.discard(ticket), false);
  assert.equal(control.retire(), false);
  control.release();
  assertReleased(control);
});

test('SharedControl.open adds a holder for each further opening, while somebody holds', () => {
  const { control, ticket } = controlWithHandle();
  for (let opening = 0; opening < 3; opening += 1) assert.equal(control.open(ticket), true);
  for (let holder = 3; holder > 0; holder -= 1) {
    assert.equal(control.retire(), false);
    control.release();
  }
  assertReleased(control);
});

test('SharedControl.open again does not use up what holds another handle', () => {
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

test('SharedControl.addHandle opens the door again after a retirement', () => {
  const { control, ticket } = controlWithHandle();
  assert.equal(control.discard(ticket), true);
  assertReleased(control);
  const next = control.addHandle();
  assert.equal(control.retire(), false);
  assert.equal(control.open(next), true);
  control.release();
  assertReleased(control);
});

test('SharedControl over the words of another is the same', () => {
  const { control, ticket } = controlWithHandle();
  const other = new SharedControl(control.words);
  assert.equal(other.open(ticket), true);
  assert.equal(control.retire(), false);
  control.release();
  assertReleased(other);
});

test('SharedControl.release asserts that somebody holds', () => {
  assert.throws(() => new SharedControl().release(), { name: 'InvariantError' });
});

test('SharedControl.releaseEndedThreads lets go for nobody who lives', () => {
  const { control, ticket } = controlWithHandle();
  control.open(ticket);
  control.releaseEndedThreads();
  assert.equal(control.retire(), false);
  control.release();
  assertReleased(control);
});

test('SharedControl adds up to no holder after two threads opened and released over and over', async (t) => {
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
  // Both began with the first handle, so nobody opened the second, which held the door open meanwhile.
  assert.equal(control.discard(tickets[1] as Int32Array), true);
  assertReleased(control);
});

test('SharedControl has room for more threads in turn than at once, as each handle made takes back what ended threads held', async (t) => {
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
  test(`SharedControl.releaseEndedThreads lets go for a thread that ${how} without, and keeps the others`, async (t) => {
    const shared = controlWith(1);
    const { control } = shared;
    control.open(usedTicket());
    const [thread] = startThreads(t, shared, [{ task: 'open', count: 3 }]);
    assert.equal(await thread?.result, 3);
    await (how === 'ends' ? thread?.ended : thread?.worker.terminate());
    assert.equal(control.retire(), false);
    control.release();
    assert.equal(control.retire(), false);
    // The kernel forgets a thread a moment after Node does.
    while (!control.retire()) {
      await sleep(1);
      control.releaseEndedThreads();
    }
    control.releaseEndedThreads();
    assertReleased(control);
  });
}

test('SharedControl.pendingCount tells readers and writers apart', () => {
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
    // Long enough for it to wait, or to end for lack of anything else to do. Were it not, the test would pass all the same.
    await sleep(200);
    assert.equal(await stateOf(thread.result), 'pending');
    control.publishPending(0, 1);
    assert.equal(await thread.result, 0);
  });
}
