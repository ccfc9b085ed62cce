/**
 * A process that breaks the rules of dmabuf/share, or keeps them, by its own hand: `node raw-peer.js PATH MISDEED…`. After each misdeed it
 * sends a message as it should be.
 */

import { execFileSync } from 'node:child_process';
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';

import type { BorrowedFd } from '../../src/linux/fd.ts';
import { libc } from '../../src/linux/libc.ts';
import { readiness } from '../../src/linux/readiness.ts';
import { UnixSocketCalls } from '../../src/linux/unix-socket-calls.ts';
import { F_ADD_SEALS, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../../src/uapi/fcntl.ts';
import {
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
} from '../../src/uapi/memfd.ts';

const PAGE_BYTES = libc.getpagesize();
const MAGIC = 0x4655_4244;
const HEADER_BYTES = 16;
const DESCRIPTOR_BYTES = 48;
const DMA_BUF = 1;
const MEMFD = 2;
const SYNC_FILE = 3;
const O_PATH = 0o10000000;
const SEALED = F_SEAL_SHRINK | F_SEAL_GROW;

/** The socket lies in a folder that is gone with the test. */
const [, , path = '', ...misdeeds] = argv;
const sockets = new UnixSocketCalls(1024 * 1024);
const socket = sockets.create();

interface Header {
  readonly magic?: number;
  readonly version?: number;
  readonly count?: number;
  readonly messageBytes?: number;
  readonly reserved?: number;
}

/** Written out by hand: what the C header says. */
function bytesOf(descriptors: readonly Uint8Array[], text: string, header: Header = {}): Buffer {
  const { magic = MAGIC, version = 1, count = descriptors.length, messageBytes = text.length, reserved = 0 } = header;
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt16LE(version, 4);
  bytes.writeUInt16LE(count, 6);
  bytes.writeUInt32LE(messageBytes, 8);
  bytes.writeUInt32LE(reserved, 12);
  return Buffer.concat([bytes, ...descriptors, Buffer.from(text)]);
}

function descriptor(kind: number, length: number, name: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(DESCRIPTOR_BYTES);
  bytes.writeUInt32LE(kind, 0);
  bytes.writeBigUInt64LE(BigInt(length), 8);
  bytes.set(name, 16);
  return bytes;
}

async function send(bytes: Uint8Array, fds: readonly number[] = []): Promise<void> {
  while (!sockets.send(socket.borrow(), bytes, fds as BorrowedFd[])) await readiness.wait(socket.borrow(), 'write');
}

/** Announced as a memfd of a page, unless told otherwise. */
async function sendAs(fd: number, kind = MEMFD, length = PAGE_BYTES): Promise<void> {
  await send(bytesOf([descriptor(kind, length)], ''), [fd]);
}

function memfd(seals: number, length = PAGE_BYTES): number {
  const fd = libc.memfd_create('dmabuf-hostile', MFD_ALLOW_SEALING);
  libc.ftruncate(fd, length);
  libc.fcntl(fd, F_ADD_SEALS, seals);
  return fd;
}

function regularFile(): string {
  const file = join(dirname(path), 'file');
  writeFileSync(file, Buffer.alloc(PAGE_BYTES));
  return file;
}

function fifo(): string {
  const file = join(dirname(path), 'fifo');
  execFileSync('mkfifo', [file]);
  return file;
}

function socketEnd(): number {
  const [first] = sockets.createPair();
  return first.take();
}

/** Ends this process as a crash would, before it can do anything else. */
async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return await new Promise(() => {});
}

const MISDEEDS: Readonly<Record<string, () => Promise<void>>> = {
  socket: () => sendAs(socketEnd()),
  pipe: () => sendAs(openSync(fifo(), 'r+')),
  'regular file': () => sendAs(openSync(regularFile(), 'r+')),
  '/dev/null': () => sendAs(openSync('/dev/null', 'r+')),
  directory: () => sendAs(openSync('/', 'r')),
  'path only': () => sendAs(openSync('/etc/passwd', O_PATH)),
  'path of a memfd': () => sendAs(openSync(`/proc/self/fd/${memfd(SEALED)}`, O_PATH)),
  'epoll descriptor': () => sendAs(libc.epoll_create1(0)),
  'memfd as sync file': () => sendAs(memfd(SEALED), SYNC_FILE, 0),
  'memfd as dma-buf': () => sendAs(memfd(SEALED), DMA_BUF),
  'memfd not sealed': async () => {
    const fd = memfd(0);
    await sendAs(fd);
    libc.ftruncate(fd, 0);
  },
  'memfd cut, then sealed': async () => {
    const fd = memfd(0, 2 * PAGE_BYTES);
    libc.ftruncate(fd, PAGE_BYTES);
    libc.fcntl(fd, F_ADD_SEALS, SEALED);
    await sendAs(fd, MEMFD, 2 * PAGE_BYTES);
  },
  'memfd emptied later': async () => {
    const fd = memfd(SEALED);
    writeSync(fd, Buffer.alloc(PAGE_BYTES, 1));
    await sendAs(fd);
    const refused = libc.ftruncate(fd, 0) === -1;
    libc.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_BYTES);
    await send(bytesOf([], refused ? 'could not cut it' : 'cut it'));
  },
  'memfd sealed against growing only': () => sendAs(memfd(F_SEAL_GROW)),
  'memfd sealed against writing': () => sendAs(memfd(SEALED | F_SEAL_WRITE)),
  'memfd sealed against future writing': () => sendAs(memfd(SEALED | F_SEAL_FUTURE_WRITE)),
  'memfd for reading only': () => sendAs(openSync(`/proc/self/fd/${memfd(SEALED)}`, 'r')),
  'empty memfd': () => sendAs(memfd(SEALED, 0), MEMFD, 0),
  'memfd of part of a page': () => sendAs(memfd(SEALED, 100), MEMFD, 100),
  'memfd shorter than announced': () => sendAs(memfd(SEALED), MEMFD, 1024 * PAGE_BYTES),
  'length beyond any': () => send(bytesOf([descriptor(MEMFD, 2 ** 63)], ''), [memfd(SEALED)]),
  'bad one behind a good one': async () => {
    const page = descriptor(MEMFD, PAGE_BYTES);
    await send(bytesOf([page, page], ''), [memfd(SEALED), memfd(0)]);
  },
  'more descriptors announced than sent': async () => {
    const page = descriptor(MEMFD, PAGE_BYTES);
    await send(bytesOf([page, page], ''), [memfd(SEALED)]);
  },
  'fewer descriptors announced than sent': async () => {
    await send(bytesOf([descriptor(MEMFD, PAGE_BYTES)], ''), [memfd(SEALED), memfd(SEALED), memfd(SEALED)]);
  },
  'descriptors not announced': () => send(bytesOf([], 'text'), [memfd(SEALED), memfd(SEALED)]),
  'as many descriptors announced as can be': () => send(bytesOf([], '', { count: 65_535 }), [memfd(SEALED)]),
  'unknown kind': () => sendAs(memfd(SEALED), 99),
  'name without end': () => send(bytesOf([descriptor(MEMFD, PAGE_BYTES, Buffer.alloc(32, 'n'))], ''), [memfd(SEALED)]),
  'name that is no text': () =>
    send(bytesOf([descriptor(MEMFD, PAGE_BYTES, Buffer.alloc(31, 0xff))], ''), [memfd(SEALED)]),
  'one byte': () => send(Buffer.from('x'), [memfd(SEALED)]),
  'no byte': () => send(new Uint8Array()),
  'no byte, but descriptors': () => send(new Uint8Array(), [memfd(SEALED), memfd(SEALED)]),
  garbage: () => send(Buffer.alloc(5000, 0xa5), [memfd(SEALED)]),
  'another version': () => send(bytesOf([], 'text', { version: 2 }), [memfd(SEALED)]),
  'reserved in the header': () => send(bytesOf([], 'text', { reserved: 1 })),
  'message cut off': () => send(bytesOf([], 'text', { messageBytes: 5 })),
  'message longer than announced': () => send(bytesOf([], 'text', { messageBytes: 3 })),
  'message too long': () => send(bytesOf([], 'x'.repeat(64 * 1024 + 1))),
  'message far too long': () => send(bytesOf([], 'x'.repeat(100 * 1024)), [memfd(SEALED)]),
  'death behind a message': async () => {
    await send(bytesOf([descriptor(MEMFD, PAGE_BYTES)], 'last words'), [memfd(SEALED)]);
    await die();
  },
  death: die,
  leaving: async () => {
    socket.close();
    await Promise.resolve(process.exit(0));
  },
};

sockets.connect(socket.borrow(), path);
for (const misdeed of misdeeds) {
  const commit = MISDEEDS[misdeed];
  if (commit === undefined) throw new Error(`There is no misdeed "${misdeed}"`);
  await commit();
  await send(bytesOf([], 'still here'));
}
await readiness.wait(socket.borrow(), 'hangUp');
socket.close();
