/**
 * The other end of a client of PipeWire, put together byte by byte as PipeWire 1.4 has it
 * (doc/dox/internals/protocol.dox), and by nothing of the code under test.
 */

import { writeSync } from 'node:fs';
import type { TestContext } from 'node:test';

import type { OwnedFd } from '../../src/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { listenAt } from '../../src/share/listener/accepting-socket.ts';
import { DescriptorStream } from '../../src/share/stream/descriptor-stream.ts';
import { createMemfd } from '../support/devices/memfd.ts';

export function pod(type: number, body: Uint8Array): Buffer {
  const head = Buffer.from(Uint32Array.of(body.length, type).buffer);
  return Buffer.concat([head, body, Buffer.alloc((8 - (body.length % 8)) % 8)]);
}

export function words(...values: readonly number[]): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}

export const id = (value: number): Buffer => pod(3, words(value));
export const int = (value: number): Buffer => pod(4, words(value));
export const fd = (index: number): Buffer => pod(18, Buffer.from(BigInt64Array.of(BigInt(index)).buffer));
const text = (value: string): Buffer => pod(8, Buffer.from(`${value}\0`));

export function object(type: number, number: number, properties: readonly (readonly [number, Buffer])[]): Buffer {
  return pod(15, Buffer.concat([words(type, number), ...properties.flatMap(([key, value]) => [words(key, 0), value])]));
}

/** A message of the node of a client, or of the core. */
export function message(target: number, opcode: number, values: readonly Buffer[], fdCount = 0): Buffer {
  const payload = pod(14, Buffer.concat(values));
  const head = Buffer.alloc(16);
  head.writeUInt32LE(target, 0);
  head.writeUIntLE(payload.length, 4, 3);
  head.writeUInt8(opcode, 7);
  head.writeUInt32LE(fdCount, 12);
  return Buffer.concat([head, payload]);
}

export const [CORE, NODE] = [0, 2];

export function info(version: string): Buffer {
  return message(CORE, 0, [int(0), int(0), text('user'), text('host'), text(version), text('name')]);
}

export function addMemory(number: number, kind = 2): Buffer {
  return message(CORE, 6, [int(number), id(kind), fd(0), int(3)], 1);
}

/** BGRx. */
export function format(width: number, height: number, number = 8): Buffer {
  const size = pod(10, words(width, height));
  const properties = [
    [1, id(2)],
    [2, id(1)],
    [0x2_0001, id(number)],
    [0x2_0003, size],
  ] as const;
  return message(NODE, 7, [int(0), int(0), id(4), int(0), object(0x4_0003, 4, properties)]);
}

/** What a file of {@link memfdOf} has in it: bytes at offsets. */
type Contents = Readonly<Record<number, Uint8Array>>;

export function memfdOf(length: number, contents: Contents = {}, seals?: number): OwnedFd {
  const file = createMemfd(seals === undefined ? { length } : { length, seals });
  for (const [at, bytes] of Object.entries(contents)) writeSync(file.borrow(), bytes, 0, bytes.length, Number(at));
  return file;
}

/** A record of a node that is inactive; of version 1. */
export function recordFile(version = 1): OwnedFd {
  return memfdOf(4096, { 0: words(4), 544: words(version) });
}

/** Listens as PipeWire does, and takes one client. */
export function naivePipeWire(t: TestContext, path: string): { accept(): Promise<DescriptorStream>; close(): void } {
  const context = new ShareContext();
  const { streams, readiness, locks } = context;
  const socket = listenAt({ sockets: streams, readiness, locks }, { path, mode: 0o600, backlog: 4 });
  t.after(() => socket.close());
  return {
    close: () => socket.close(),
    accept: async () => {
      const stream = new DescriptorStream(context, await socket.accept(undefined));
      socket.close();
      stream.on('error', () => {});
      stream.resume();
      t.after(() => stream.destroy());
      return stream;
    },
  };
}

/** Two connected ends, of which one stands for an eventfd. */
export function signalPair(): readonly [OwnedFd, OwnedFd] {
  return new ShareContext().streams.createPair();
}
