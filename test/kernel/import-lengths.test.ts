/** Memfds from elsewhere have any length, and their buffers have that length, too. */

import assert from 'node:assert/strict';
import { fstatSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

import { importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { DmaBuf, ImportOptions, OwnedFd } from '../../src/index.ts';
import { createWasmSpace } from '../../src/heap/wasm/index.ts';
import { connectionFromFd } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { createMemfd } from '../support/devices/memfd.ts';

checkLeaksAfterFile();

const PAGE = kernelCalls.getpagesize();
/**
 * In bytes. GStreamer's frames have 7 bytes more than their pictures: the alignment it allows for.
 */
const LENGTHS: Readonly<Record<string, number>> = {
  'one byte': 1,
  'a part of a page': 100,
  'a page without its last byte': PAGE - 1,
  'a page': PAGE,
  'a page and a byte': PAGE + 1,
  'three pages and a part of one': 3 * PAGE + 17,
  'a frame of 320x240 RGBx': 307_207,
  'a frame of 642x362 I420': 350_423,
  'a frame of 1000x500 NV12': 750_007,
};

function closing<Closable extends { close(): void }>(t: TestContext, closable: Closable): Closable {
  t.after(() => closable.close());
  return closable;
}

/** A sealed memfd whose every byte is 7. */
function memfdOf(t: TestContext, length: number): OwnedFd {
  const memfd = closing(t, createMemfd({ length }));
  for (let written = 0; written < length;) written += writeSync(memfd.borrow(), Buffer.alloc(length - written, 7));
  return memfd;
}

function importMemfd(t: TestContext, length: number, options: ImportOptions = {}): DmaBuf {
  return closing(t, importBuffer(memfdOf(t, length), options));
}

/** The file's bytes, by the kernel. */
function contentOf(fd: OwnedFd): Uint8Array {
  const bytes = new Uint8Array(fstatSync(fd.borrow()).size);
  assert.equal(readSync(fd.borrow(), bytes, { position: 0 }), bytes.length);
  return bytes;
}

for (const [name, length] of Object.entries(LENGTHS)) {
  test(`importBuffer() takes a memfd of ${name} as it is`, (t) => {
    const fd = memfdOf(t, length);
    for (const mode of ['read', 'readwrite'] as const) {
      const buffer = closing(t, importBuffer(fd, { mode }));
      assert.equal(buffer.length, length);
      assert.ok(buffer.accessSync('read', (bytes) => bytes.length === length && bytes.every((byte) => byte === 7)));
      const view = buffer.vmap({ populate: true, readOnly: true });
      assert.deepEqual([view.length, view.bytes.length, view.copyOut().length], [length, length, length]);
      view.close();
    }
    const buffer = closing(t, importBuffer(fd));
    buffer.accessSync('write', (bytes) => bytes.fill(9));
    assert.deepEqual(contentOf(fd), new Uint8Array(length).fill(9));
    const again = closing(t, importBuffer(closing(t, buffer.exportFd())));
    assert.equal(again.length, length);
    assert.equal(
      again.accessSync('read', (bytes) => bytes.at(-1)),
      9,
    );
  });
}

test('what lies between the end of a memfd and that of its page is zero, and nobody is hurt by a store there', (t) => {
  const length = PAGE + 100;
  const fd = memfdOf(t, length);
  const view = closing(t, closing(t, importBuffer(fd)).vmap());
  const behind = new Uint8Array(view.bytes.buffer, length);
  assert.equal(behind.length, PAGE - 100);
  assert.ok(behind.every((byte) => byte === 0));
  behind.fill(5);
  assert.deepEqual(contentOf(fd), new Uint8Array(length).fill(7));
});

test('vmap() of a part goes to the end of a memfd, and not behind it', (t) => {
  const buffer = importMemfd(t, 2 * PAGE + 10);
  const view = closing(t, buffer.vmap({ offset: 2 * PAGE }));
  assert.deepEqual([...view.bytes], [7, 7, 7, 7, 7, 7, 7, 7, 7, 7]);
  assert.equal(closing(t, buffer.vmap({ offset: PAGE, length: PAGE + 3 })).length, PAGE + 3);
  assert.throws(() => buffer.vmap({ offset: 2 * PAGE, length: 11 }), RangeError);
  assert.throws(() => view.subarray(0, 11), RangeError);
});

test('importBuffer(fd, { length }) takes as much of a memfd as it is told', (t) => {
  for (const [fileLength, length] of [
    [4 * PAGE, PAGE],
    [4 * PAGE, 4 * PAGE],
    [4 * PAGE + 9, 3 * PAGE],
    [307_207, 307_200],
    [100, 1],
  ] as const) {
    const buffer = importMemfd(t, fileLength, { length });
    const view = buffer.vmap();
    assert.deepEqual([buffer.length, view.bytes.length], [length, length]);
    assert.ok(view.bytes.every((byte) => byte === 7));
    view.close();
  }
});

test('importBuffer() refuses an invalid length, one beyond the end of the file, and an empty file', async (t) => {
  const fd = memfdOf(t, 4 * PAGE + 9);
  const empty = memfdOf(t, 0);
  const before = await settledDescriptors();
  for (const wrong of [0, -PAGE, 0.5, Number.NaN, 2 ** 53])
    assert.throws(() => importBuffer(fd, { length: wrong }), RangeError);
  for (const wrong of ['4096', 4096n, null] as unknown[])
    assert.throws(() => importBuffer(fd, { length: wrong as number }), TypeError);
  for (const wrong of ['write', 'readonly', true, null])
    assert.throws(() => importBuffer(fd, { mode: wrong as 'read' }), TypeError);
  assert.throws(
    () => importBuffer(fd, { length: 4 * PAGE + 10 }),
    (error) => isDmaBufError(error, 'EINVAL') && error.message.includes(`it has ${4 * PAGE + 9} bytes`),
  );
  assert.throws(
    () => importBuffer(empty),
    (error) => isDmaBufError(error, 'EINVAL') && error.message.includes('it is empty'),
  );
  await assertHeld(before, 'something stays open');
});

test('exportFd() of a part of a memfd is refused: the descriptor would hand out all of it', (t) => {
  for (const buffer of [importMemfd(t, 307_207, { length: 307_200 }), importMemfd(t, 4 * PAGE, { length: PAGE })]) {
    assert.throws(
      () => buffer.exportFd(),
      (error) => isDmaBufError(error, 'EOPNOTSUPP') && error.message.includes('a part of its file'),
    );
  }
  assert.ok(closing(t, importMemfd(t, 4 * PAGE, { length: 4 * PAGE }).exportFd()).borrow() > 2);
});

const withoutUdmabuf = cannotOpen('/dev/udmabuf');

test('importBuffer(fd, { length }) of a dma-buf takes the whole of it or nothing', { skip: withoutUdmabuf }, (t) => {
  const heap = closing(t, openHeap('system', { backends: ['udmabuf'] }));
  const fd = closing(t, closing(t, heap.allocate(4 * PAGE)).exportFd());
  assert.equal(closing(t, importBuffer(fd, { length: 4 * PAGE })).length, 4 * PAGE);
  assert.throws(
    () => importBuffer(fd, { length: 3 * PAGE }),
    (error) => isDmaBufError(error, 'EINVAL') && error.message.includes('imported whole'),
  );
});

test('layout() covers a memfd whose last page is a part of one', (t) => {
  const layout = importMemfd(t, 2 * PAGE + 10).layout();
  if (!layout.known) return t.skip(layout.reason);
  const { pageCount, length } = layout.table;
  assert.deepEqual([pageCount, length], [3, 2 * PAGE + 10]);
});

test('buffers of any length lie side by side in a wasm space, each on pages of its own', (t) => {
  const space = closing(t, createWasmSpace({ length: 4 * PAGE }));
  const [first, second] = [PAGE + 1, 100].map((length) => space.map(importMemfd(t, length)));
  assert.deepEqual([first?.offset, first?.length, second?.offset, second?.length], [0, PAGE + 1, 2 * PAGE, 100]);
  const bytes = new Uint8Array(space.memory.buffer);
  assert.deepEqual([bytes[PAGE], bytes[PAGE + 1], bytes[2 * PAGE + 99], bytes[2 * PAGE + 100]], [7, 0, 7, 0]);
});

test('a thread opens a handle of a buffer of any length', async (t) => {
  const buffer = importMemfd(t, PAGE + 1);
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    import(${JSON.stringify(new URL('../../src/index.js', import.meta.url).href)}).then(({ openHandle }) => {
      const buffer = openHandle(workerData);
      parentPort.postMessage([buffer.length, buffer.accessSync('read', (bytes) => bytes.at(-1))]);
      buffer.close();
    });
  `;
  const worker = new Worker(source, { eval: true, workerData: buffer.toHandle() });
  const answer = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  assert.deepEqual(answer, [PAGE + 1, 7]);
});

test('a connection hands over a buffer of any length as long as it is', async (t) => {
  const [first, second] = new ShareContext().sockets.createPair();
  const [sender, receiver] = [closing(t, connectionFromFd(first)), closing(t, connectionFromFd(second))];
  await sender.send({ buffers: [importMemfd(t, 307_207)] });
  const received = await receiver.receive();
  assert.ok(received !== undefined, 'the connection has ended');
  closing(t, received);
  const [buffer] = received.buffers;
  assert.equal(buffer?.length, 307_207);
  assert.equal(
    buffer?.accessSync('read', (bytes) => bytes.every((byte) => byte === 7)),
    true,
  );
});
