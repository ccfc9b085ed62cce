/**
 * The expectations of the kernel's own tests of dma_resv (drivers/dma-buf/st-dma-resv.c), and of
 * IGT's on polling a dma-buf.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { stateOf } from '../../../test/support/runner/promise-state.ts';
import { Fence } from './fence.ts';
import { FENCE_USAGES, Reservation, usageToWaitFor } from './reservation.ts';
import type { FenceUsage } from './reservation.ts';

/**
 * For a fence of the first usage: the queries that see it (include/linux/dma-resv.h, enum
 * dma_resv_usage).
 */
const SEEN_BY: readonly (readonly [usage: FenceUsage, queries: readonly FenceUsage[]])[] = [
  ['kernel', ['kernel', 'write', 'read', 'bookkeep']],
  ['write', ['write', 'read', 'bookkeep']],
  ['read', ['read', 'bookkeep']],
  ['bookkeep', ['bookkeep']],
];

function emptyReservation(): Reservation {
  return new Reservation(() => {});
}

function reservationWith(...fences: readonly (readonly [fence: Fence, usage: FenceUsage])[]): Reservation {
  const reservation = emptyReservation();
  for (const [fence, usage] of fences) reservation.add(fence, usage);
  return reservation;
}

test('Reservation has no fences at first, and waits for none', async () => {
  const reservation = emptyReservation();
  for (const usage of FENCE_USAGES) {
    assert.deepEqual(reservation.fences(usage), []);
    assert.equal(reservation.pendingCount(usage), 0);
    await reservation.wait(usage);
  }
});

for (const [usage, queries] of SEEN_BY) {
  test(`Reservation with a ${usage} fence is pending until that is signaled, for ${queries.join(', ')} alone`, () => {
    const fence = new Fence();
    const reservation = reservationWith([fence, usage]);
    for (const query of FENCE_USAGES)
      assert.equal(reservation.pendingCount(query), queries.includes(query) ? 1 : 0, query);
    fence.signal();
    for (const query of FENCE_USAGES) assert.equal(reservation.pendingCount(query), 0, query);
  });

  test(`Reservation.fences gives exactly the one ${usage} fence, to ${queries.join(', ')} alone`, () => {
    const fence = new Fence();
    const reservation = reservationWith([fence, usage]);
    for (const query of FENCE_USAGES) {
      const found = reservation.fences(query);
      assert.equal(found.length, queries.includes(query) ? 1 : 0, query);
      assert.ok(found.every((one) => one === fence));
    }
  });

  test(`Reservation.wait waits for a ${usage} fence with ${queries.join(', ')} alone`, async () => {
    const fence = new Fence();
    const reservation = reservationWith([fence, usage]);
    const waits = FENCE_USAGES.map((query) => reservation.wait(query));
    for (const [index, query] of FENCE_USAGES.entries()) {
      assert.equal(
        await stateOf(waits[index] as Promise<void>),
        queries.includes(query) ? 'pending' : 'fulfilled',
        query,
      );
    }
    fence.signal();
    await Promise.all(waits);
  });
}

test('usageToWaitFor makes readers wait for writers, and writers for every usage but bookkeep', () => {
  assert.equal(usageToWaitFor('read'), 'write');
  assert.equal(usageToWaitFor('write'), 'read');
  assert.equal(usageToWaitFor('readwrite'), 'read');
});

test('Reservation under a read fence is ready to read and not to write; under a write fence it is neither', () => {
  for (const [usage, ready] of [
    ['read', { read: true, write: false, readwrite: false }],
    ['write', { read: false, write: false, readwrite: false }],
    ['kernel', { read: false, write: false, readwrite: false }],
    ['bookkeep', { read: true, write: true, readwrite: true }],
  ] as const) {
    const fence = new Fence();
    const reservation = reservationWith([fence, usage]);
    for (const mode of ['read', 'write', 'readwrite'] as const) {
      assert.equal(reservation.pendingCount(usageToWaitFor(mode)) === 0, ready[mode], `${usage}, ${mode}`);
    }
    fence.signal();
    for (const mode of ['read', 'write', 'readwrite'] as const) {
      assert.equal(reservation.pendingCount(usageToWaitFor(mode)), 0);
    }
  }
});

test('Reservation.fences gives them in the order added, regardless of their usage', () => {
  const [first, second, third] = [new Fence('first'), new Fence('second'), new Fence('third')];
  const reservation = reservationWith([first, 'read'], [second, 'kernel'], [third, 'write']);
  assert.deepEqual(
    reservation.fences('read').map((fence) => fence.name),
    ['first', 'second', 'third'],
  );
  assert.deepEqual(
    reservation.fences('write').map((fence) => fence.name),
    ['second', 'third'],
  );
});

test('Reservation.add drops fences that are signaled, and no others', () => {
  const [done, pending, added] = [new Fence('done'), new Fence('pending'), new Fence('added')];
  const reservation = reservationWith([done, 'write'], [pending, 'write']);
  done.signal();
  reservation.add(added, 'write');
  assert.deepEqual(
    reservation.fences('write').map((fence) => fence.name),
    ['pending', 'added'],
  );
});

test('Reservation keeps one fence under several usages', () => {
  const fence = new Fence();
  const reservation = reservationWith([fence, 'bookkeep'], [fence, 'read']);
  assert.equal(reservation.pendingCount('bookkeep'), 2);
  assert.equal(reservation.pendingCount('read'), 1);
  assert.equal(reservation.pendingCount('write'), 0);
  fence.signal();
  assert.equal(reservation.pendingCount('bookkeep'), 0);
});

test('Reservation tells of every fence that is added and signaled', () => {
  const counts: number[] = [];
  const reservation = new Reservation(() => counts.push(reservation.pendingCount('bookkeep')));
  const [first, second] = [new Fence(), new Fence()];
  reservation.add(first, 'write');
  reservation.add(second, 'read');
  first.signal();
  second.signal();
  assert.deepEqual(counts, [1, 2, 1, 0]);
});

test('Reservation.wait waits for all fences, in any order of signaling, including fences added meanwhile', async () => {
  const [first, second, late] = [new Fence(), new Fence(), new Fence()];
  const reservation = reservationWith([first, 'write'], [second, 'write']);
  const wait = reservation.wait('write');
  second.signal();
  assert.equal(await stateOf(wait), 'pending');
  reservation.add(late, 'write');
  first.signal();
  assert.equal(await stateOf(wait), 'pending');
  late.signal();
  await wait;
});

test('Reservation.wait resolves even when work failed', async () => {
  const fence = new Fence();
  const reservation = reservationWith([fence, 'write']);
  const wait = reservation.wait('write');
  fence.signal(new Error('the device is gone'));
  await wait;
});

test('Reservation.wait rejects with the reason when aborted before or while it waits', async () => {
  const reason = new Error('given up');
  const [first, second] = [new Fence(), new Fence()];
  const reservation = reservationWith([first, 'write'], [second, 'write']);
  await assert.rejects(reservation.wait('write', { signal: AbortSignal.abort(reason) }), (error) => error === reason);
  const controller = new AbortController();
  const wait = reservation.wait('write', { signal: controller.signal });
  first.signal();
  assert.equal(await stateOf(wait), 'pending');
  controller.abort(reason);
  await assert.rejects(wait, (error) => error === reason);
});
