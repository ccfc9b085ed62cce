/** Sync files travel as buffers do. Only the kernel makes them, of dma-bufs. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MiB, SyncFile, isDmaBufError, listHeaps, openHeap } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { connectionFromFd } from '../../src/share/index.ts';
import { encodeMessage } from '../../src/share/connection/message-header.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';

/** Why no dma-buf can be had here. */
function dmaBufMissing(): string | false {
  const found = listHeaps().some(({ backend, available }) => backend !== 'embedded' && available);
  return found ? false : 'this machine has neither a kernel heap nor udmabuf for this user';
}

const skip = dmaBufMissing();

function allocateDmaBuf(): DmaBuf {
  const heap = openHeap('system', { backends: ['kernel', 'udmabuf'] });
  try {
    return heap.allocate(MiB, { name: 'fenced' });
  } finally {
    heap.close();
  }
}

test('send() passes sync files with buffers, and each arrives as what it is', { skip }, async () => {
  const held = await settledDescriptors();
  const [near, far] = new ShareContext().sockets.createPair().map((fd) => connectionFromFd(fd));
  assert.ok(near !== undefined && far !== undefined);
  const buffer = allocateDmaBuf();
  const syncFiles = [buffer.exportSyncFile('read'), buffer.exportSyncFile('write')];
  await near.send({ message: 'fenced', buffers: [buffer], syncFiles });
  const received = await far.receive();
  assert.equal(received?.text, 'fenced');
  assert.deepEqual(
    received.buffers.map(({ length, exporter, name }) => ({ length, exporter, name })),
    [{ length: 1_048_576, exporter: buffer.exporter, name: 'fenced' }],
  );
  assert.deepEqual(
    received.syncFiles.map((each) => [each instanceof SyncFile, each.signaled]),
    [
      [true, true],
      [true, true],
    ],
  );
  for (const each of [received, near, far, buffer, ...syncFiles]) each.close();
  await assertHeld(held, 'descriptors of sync files stayed open');
});

test(
  'receive() refuses a sync file that is announced as a buffer, and a dma-buf as a sync file',
  { skip },
  async () => {
    const { sockets } = new ShareContext();
    const [near, end] = sockets.createPair();
    const far = connectionFromFd(end);
    const buffer = allocateDmaBuf();
    const [syncFile, exported] = [buffer.exportSyncFile('write'), buffer.exportFd()];
    const held = await settledDescriptors();
    for (const [kind, fd] of [
      ['memfd', syncFile.borrowFd()],
      ['dma-buf', syncFile.borrowFd()],
      ['sync-file', exported.borrow()],
    ] as const) {
      const bytes = encodeMessage({ descriptors: [{ kind, length: MiB, name: '' }], message: new Uint8Array() });
      sockets.send(near.borrow(), bytes, [fd]);
      await assert.rejects(far.receive(), (error) => isDmaBufError(error, 'EINVAL'));
    }
    await assertHeld(held, 'descriptors of refused messages stayed open');
    for (const each of [near, far, buffer, syncFile, exported]) each.close();
  },
);
