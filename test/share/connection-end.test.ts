/**
 * Goal: a connection ends when the kernel says so and no message is left to read, regardless of
 * earlier packets. Method: the far end is a plain socket, which sends invalid packets among
 * messages.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MiB, isDmaBufError } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { OwnedFd } from '../../src/linux/calls/fd.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { connectionFromFd } from '../../src/share/index.ts';
import type { BufferConnection } from '../../src/share/index.ts';
import { encodeMessage } from '../../src/share/connection/message-header.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';

const heap = openEmbeddedHeap({ capacity: MiB });
const { sockets } = new ShareContext();
/**
 * shutdown(2) by its number (arch/x86/entry/syscalls/syscall_64.tbl,
 * include/uapi/asm-generic/unistd.h).
 */
const SHUT_WR = 1;

/** What the far end sends: nothing at all, a descriptor without a byte, or a message. */
type Packet = 'empty' | 'descriptor' | { readonly text: string };

function connectedEnds(): { connection: BufferConnection; far: OwnedFd } {
  const [near, far] = sockets.createPair();
  return { connection: connectionFromFd(near), far };
}

function send(far: OwnedFd, packet: Packet): void {
  const fds = packet === 'descriptor' ? [far.borrow()] : [];
  const bytes =
    typeof packet === 'string'
      ? new Uint8Array()
      : encodeMessage({ descriptors: [], message: new TextEncoder().encode(packet.text) });
  assert.equal(sockets.send(far.borrow(), bytes, fds), true);
}

/** What `receive()` gives until the end: the text of a message, or the code of a refusal. */
async function receiveAll(connection: BufferConnection): Promise<string[]> {
  const results: string[] = [];
  for (;;) {
    try {
      const received = await connection.receive();
      if (received === undefined) return results;
      results.push(received.text);
    } catch (error) {
      assert.ok(isDmaBufError(error), String(error));
      results.push(error.code);
    }
  }
}

const SEQUENCES: readonly { readonly name: string; readonly packets: readonly Packet[]; readonly got: string[] }[] = [
  { name: 'nothing', packets: [], got: [] },
  { name: 'an empty packet', packets: ['empty'], got: ['EPROTO'] },
  { name: 'an empty packet, then a message', packets: ['empty', { text: 'a' }], got: ['EPROTO', 'a'] },
  { name: 'a message, then an empty packet', packets: [{ text: 'a' }, 'empty'], got: ['a', 'EPROTO'] },
  {
    name: 'empty packets around messages',
    packets: ['empty', 'empty', { text: 'a' }, 'empty', { text: '' }, 'empty', 'empty'],
    got: ['EPROTO', 'EPROTO', 'a', 'EPROTO', '', 'EPROTO', 'EPROTO'],
  },
  { name: 'a descriptor without a byte', packets: ['descriptor'], got: ['EPROTO'] },
  {
    name: 'empty packets, descriptors without a byte, and a message behind them',
    packets: ['empty', 'descriptor', 'empty', 'empty', 'descriptor', { text: 'a' }],
    got: ['EPROTO', 'EPROTO', 'EPROTO', 'EPROTO', 'EPROTO', 'a'],
  },
  {
    name: '100 empty packets, then a message',
    packets: [...Array.from({ length: 100 }, () => 'empty' as const), { text: 'a' }],
    got: [...Array.from({ length: 100 }, () => 'EPROTO'), 'a'],
  },
];

const ENDINGS: Readonly<Record<string, (far: OwnedFd) => void>> = {
  'that closes': (far) => far.close(),
  'that closes without having read all': (far) => far.close(),
  'that only stops sending': (far) => assert.equal(kernelCalls.shutdown(far.borrow(), SHUT_WR), 0),
};

for (const { name, packets, got } of SEQUENCES) {
  for (const [ending, end] of Object.entries(ENDINGS)) {
    test(`receive() from an end ${ending} after ${name} gives each, then the end`, async () => {
      const held = await settledDescriptors();
      const { connection, far } = connectedEnds();
      if (ending.includes('without')) await connection.send({ message: 'unread' });
      for (const packet of packets) send(far, packet);
      end(far);
      assert.deepEqual(await receiveAll(connection), got);
      assert.equal(await connection.receive(), undefined);
      if (!far.closed) {
        await connection.send({ message: 'still read' });
        const packet = sockets.receive(far.borrow());
        assert.equal(new TextDecoder().decode(packet?.bytes.subarray(16)), 'still read');
      }
      far.close();
      connection.close();
      await assertHeld(held, 'descriptors of refused packets stayed open');
    });
  }
}

test('receive() from an end that is open refuses an empty packet, and waits for the next', async () => {
  const { connection, far } = connectedEnds();
  send(far, 'empty');
  await assert.rejects(connection.receive(), (error) => isDmaBufError(error, 'EPROTO'));
  const next = connection.receive();
  send(far, { text: 'next' });
  assert.equal((await next)?.text, 'next');
  far.close();
  connection.close();
});

test('a loop over a connection gives what an end had sent before it closed, behind an empty packet', async () => {
  const { connection, far } = connectedEnds();
  for (const packet of ['empty', { text: 'a' }, { text: 'b' }] as const) send(far, packet);
  far.close();
  await assert.rejects(connection.receive(), (error) => isDmaBufError(error, 'EPROTO'));
  const texts: string[] = [];
  for await (const { text } of connection) texts.push(text);
  assert.deepEqual(texts, ['a', 'b']);
  connection.close();
});

test('receive() gives buffers that lie behind empty packets of an end that is gone', async () => {
  const { connection, far } = connectedEnds();
  send(far, 'empty');
  const sender = connectionFromFd(far);
  const buffer = heap.allocate(4096, { shareable: true });
  await sender.send({ buffers: [buffer] });
  sender.close();
  await assert.rejects(connection.receive(), (error) => isDmaBufError(error, 'EPROTO'));
  const received = await connection.receive();
  assert.equal(received?.buffers.length, 1);
  received.close();
  assert.equal(await connection.receive(), undefined);
  buffer.close();
  connection.close();
});
