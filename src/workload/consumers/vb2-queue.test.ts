import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { KiB, MiB } from '../../base/sizes.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { Vb2Queue } from './vb2-queue.ts';
import type { Vb2Memory } from './vb2-queue.ts';

/** A queue whose memory writes down what is done with it, by the buffer's name. */
function queueWithJournal(options: { readonly failing?: string } = {}): { queue: Vb2Queue; taken: () => string[] } {
  const journal: string[] = [];
  const done = async (text: string): Promise<void> => {
    journal.push(text);
    await Promise.resolve();
    if (text === options.failing) throw new Error('as this test wants');
  };
  const attach = async ({ name }: DmaBuf): Promise<Vb2Memory> => {
    await done(`attach ${name}`);
    return {
      map: async () => await done(`map ${name}`),
      vaddr: async () => await Promise.resolve(undefined),
      put: async () => await done(`put ${name}`),
    };
  };
  return { queue: new Vb2Queue(attach, 2), taken: () => journal.splice(0) };
}

test('a plane whose buffer is the same stays; one that is new is attached, then all new ones mapped', async () => {
  using heap = openEmbeddedHeap({ capacity: MiB });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => heap.allocate(4 * KiB, { name })) as [DmaBuf, DmaBuf, DmaBuf];
  const { queue, taken } = queueWithJournal();
  await queue.queue(0, [a, b]);
  assert.deepEqual(taken(), ['attach a', 'attach b', 'map a', 'map b']);
  await queue.queue(0, [a, b]);
  assert.deepEqual(taken(), []);
  await queue.queue(0, [a, c]);
  assert.deepEqual(taken(), ['put b', 'attach c', 'map c']);
  await queue.queue(0, [a]);
  assert.deepEqual(taken(), ['put c']);
  await queue.queue(1, [a]);
  assert.deepEqual(taken(), ['attach a', 'map a']);
  assert.equal(queue.remapCount, 4);
  await queue.release();
  assert.deepEqual(taken(), ['put a', 'put a']);
  for (const buffer of [a, b, c]) buffer.close();
});

test('where a plane fails, all planes of the slot are put, those that had stayed as well', async () => {
  using heap = openEmbeddedHeap({ capacity: MiB });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => heap.allocate(4 * KiB, { name })) as [DmaBuf, DmaBuf, DmaBuf];
  for (const failing of ['map c', 'attach c']) {
    const { queue, taken } = queueWithJournal({ failing });
    await queue.queue(0, [a, b]);
    taken();
    await assert.rejects(queue.queue(0, [a, c]), /as this test wants/u);
    const put = taken().filter((text) => text.startsWith('put'));
    // Old memory that is put again does nothing (Vb2Memory.put).
    assert.deepEqual(new Set(put), new Set(failing === 'map c' ? ['put b', 'put a', 'put c'] : ['put b', 'put a']));
    await queue.release();
    assert.deepEqual(taken(), []);
  }
  for (const buffer of [a, b, c]) buffer.close();
});

test('a slot that was not asked for is refused', async () => {
  const { queue } = queueWithJournal();
  await assert.rejects(queue.queue(2, []), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(queue.planeVaddr(-1, 0, { path: [] }), { name: 'RangeError' });
});
