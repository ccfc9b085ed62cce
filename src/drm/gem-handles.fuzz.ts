/**
 * Goal: a handle is closed with its last user, never before and never twice. Method: seeded events
 * go to the handles and to a twin of the kernel, which gives one handle for a buffer and forgets it
 * at the first close.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { InvariantError } from '../base/assert.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import { GemHandles } from './gem-handles.ts';

const CARD = { borrow: () => 3 } as OwnedFd;
const BUFFER_COUNT = 5;

/** What the kernel knows: a handle for each buffer, by the descriptor that stands for it. */
class KernelTwin {
  readonly handles = new Map<number, number>();
  #handleNext = 1;

  importBuffer(_card: unknown, buffer: number): number {
    const handle = this.handles.get(buffer) ?? this.#handleNext++;
    this.handles.set(buffer, handle);
    return handle;
  }

  createDumb(): { handle: number; stride: number; length: number } {
    const handle = this.#handleNext++;
    this.handles.set(-handle, handle);
    return { handle, stride: 4, length: 4096 };
  }

  closeBuffer(_card: unknown, handle: number): void {
    const buffer = [...this.handles].find(([, known]) => known === handle)?.[0];
    assert.ok(buffer !== undefined, `handle ${handle} was closed before`);
    this.handles.delete(buffer);
  }
}

function bufferOf(fd: number, closes: number[]): { exportFd(): OwnedFd } {
  return { exportFd: () => ({ borrow: () => fd, close: () => closes.push(fd) }) as unknown as OwnedFd };
}

test('GemHandles closes each handle with its last user', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = new SeededRandom(seed);
    const kernel = new KernelTwin();
    const handles = new GemHandles(kernel, CARD);
    const closes: number[] = [];
    const users: number[] = [];
    let importCount = 0;
    for (let step = 0; step < 100; step += 1) {
      const choice = random.below(5);
      if (choice < 2) {
        users.push(handles.import(bufferOf(random.below(BUFFER_COUNT), closes)));
        importCount += 1;
      } else if (choice === 2) users.push(handles.create({ width: 1, height: 1, bitsPerPixel: 32 }).handle);
      else if (users.length > 0) handles.release(users.splice(random.below(users.length), 1)[0] as number);
      assert.deepEqual(new Set(kernel.handles.values()), new Set(users), `seed ${seed}`);
      assert.equal(handles.count, new Set(users).size);
    }
    assert.equal(closes.length, importCount, 'the descriptors that were exported are closed');
    for (const handle of users) handles.release(handle);
    assert.equal(kernel.handles.size, 0);
  }
});

test('GemHandles closes what it exported where the import is refused, and counts no user', () => {
  const kernel = new KernelTwin();
  const closes: number[] = [];
  kernel.importBuffer = () => {
    throw new Error('EINVAL');
  };
  const handles = new GemHandles(kernel, CARD);
  assert.throws(() => handles.import(bufferOf(7, closes)), /EINVAL/u);
  assert.deepEqual([closes, handles.count], [[7], 0]);
  assert.throws(() => handles.release(1), InvariantError);
});
