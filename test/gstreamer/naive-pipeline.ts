/**
 * The other end of `unixfdsink` and `unixfdsrc`, put together byte by byte as GStreamer 1.26 has
 * them (sys/unixfd/gstunixfd.h), and by nothing of the code under test.
 */

import type { TestContext } from 'node:test';

import { OwnedFd } from '../../src/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { connectStream } from '../../src/share/index.ts';
import type { DescriptorStream } from '../../src/share/index.ts';
import { DescriptorStream as Stream } from '../../src/share/stream/descriptor-stream.ts';
import { listenAt } from '../../src/share/listener/accepting-socket.ts';
import { until } from '../support/runner/settled.ts';

/** A command as it goes over the socket. */
export function command(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(8 + payload.length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(payload.length, 4);
  bytes.set(payload, 8);
  return bytes;
}

export function capsCommand(text: string): Buffer {
  return command(2, Buffer.from(`${text}\0`));
}

/** What a frame is announced with. */
export interface AnnouncedFrame {
  readonly id: bigint;
  readonly pts?: bigint;
  readonly duration?: bigint;
  /** 0: memfds, 1: dma-bufs. */
  readonly kind?: number;
  /** Size and offset of each memory, in bytes. */
  readonly memories: readonly (readonly [size: number, offset: number])[];
  readonly metas?: readonly Uint8Array[];
}

const NONE = 0xffff_ffff_ffff_ffffn;

export function frameCommand({ id, pts, duration, kind = 0, memories, metas = [] }: AnnouncedFrame): Buffer {
  const head = Buffer.alloc(56);
  [id, pts ?? NONE, NONE, duration ?? NONE, NONE, NONE].forEach((value, index) =>
    head.writeBigUInt64LE(value, index * 8),
  );
  head.writeUInt8(kind, 52);
  head.writeUInt8(memories.length, 53);
  head.writeUInt16LE(metas.length, 54);
  const records = memories.map(([size, offset]) => {
    const record = Buffer.alloc(16);
    record.writeBigUInt64LE(BigInt(size), 0);
    record.writeBigUInt64LE(BigInt(offset), 8);
    return record;
  });
  return command(0, Buffer.concat([head, ...records, ...metas]));
}

/** A `GstVideoMeta` of version 0. */
export function videoMeta(
  format: number,
  [width, height]: readonly [number, number],
  planes: readonly (readonly [offset: number, stride: number])[],
): Buffer {
  const body = Buffer.alloc(20 + planes.length * 16 + 16);
  body.writeInt32LE(format, 4);
  body.writeUInt32LE(width, 8);
  body.writeUInt32LE(height, 12);
  body.writeUInt32LE(planes.length, 16);
  planes.forEach(([offset, stride], index) => {
    body.writeBigUInt64LE(BigInt(offset), 20 + index * 8);
    body.writeInt32LE(stride, 20 + planes.length * 8 + index * 4);
  });
  return meta('GstVideoMeta', body);
}

export function meta(name: string, body: Uint8Array, version = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(8 + name.length + 2 + body.length, 0);
  head.writeUInt32LE(name.length, 4);
  return Buffer.concat([head, Buffer.from(`${name}\0`), Buffer.from([version]), body]);
}

/** Cuts what came into commands: numbers and payloads. */
function splitCommands(bytes: Buffer): [type: number, payload: Buffer][] {
  const found: [number, Buffer][] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    if (end > bytes.length) break;
    found.push([bytes.readUInt32LE(at), bytes.subarray(at + 8, end)]);
    at = end;
  }
  return found;
}

/** One end, which keeps everything that came. */
export class NaiveEnd {
  readonly stream: DescriptorStream;
  readonly fds: OwnedFd[] = [];
  #bytes = Buffer.alloc(0);
  #ended = false;

  constructor(t: TestContext, stream: DescriptorStream) {
    this.stream = stream;
    stream.on('fds', (numbers: number[]) => this.fds.push(...numbers.map((number) => OwnedFd.adopt(number))));
    stream.on('data', (bytes: Uint8Array) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
    });
    stream.on('end', () => {
      this.#ended = true;
    });
    stream.on('error', () => {
      this.#ended = true;
    });
    t.after(() => {
      stream.destroy();
      for (const fd of this.fds.splice(0)) fd.close();
    });
  }

  /** Whether the other end has closed. */
  get ended(): boolean {
    return this.#ended;
  }

  get commands(): [type: number, payload: Buffer][] {
    return splitCommands(this.#bytes);
  }

  /** The ids of the frames that were given back, in their order. */
  get released(): bigint[] {
    return this.commands.filter(([type]) => type === 1).map(([, payload]) => payload.readBigUInt64LE(0));
  }

  /** Waits for so many commands. */
  async receive(count: number): Promise<[type: number, payload: Buffer][]> {
    await until(() => this.commands.length >= count);
    return this.commands;
  }

  /** Gives a frame back. */
  release(id: bigint): void {
    const payload = Buffer.alloc(8);
    payload.writeBigUInt64LE(id);
    this.stream.write(command(1, payload));
  }

  async end(): Promise<void> {
    this.stream.destroy();
    await until(() => this.stream.closed);
  }
}

/** As `unixfdsink`: listens, and takes one reader. */
export function naiveSink(t: TestContext, path: string): { accept(): Promise<NaiveEnd>; close(): void } {
  const context = new ShareContext();
  const { streams, readiness, locks } = context;
  const socket = listenAt({ sockets: streams, readiness, locks }, { path, mode: 0o600, backlog: 4 });
  t.after(() => socket.close());
  return {
    accept: async () => new NaiveEnd(t, new Stream(context, await socket.accept(undefined))),
    close: () => socket.close(),
  };
}

/** As `unixfdsrc`: connects. */
export async function naiveSource(t: TestContext, path: string): Promise<NaiveEnd> {
  return new NaiveEnd(t, await connectStream(path));
}
