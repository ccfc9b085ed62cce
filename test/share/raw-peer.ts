/**
 * A process that breaks the rules of dmabuf/share, or follows them, without the package: `node
 * raw-peer.js PATH MISDEED…`. After each misdeed it sends a correct message. With `--reconnect`
 * before the misdeeds it commits each over a connection of its own, until that ends.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, openSync, rmdirSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';

import type { BorrowedFd } from '../../src/linux/calls/fd.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { readiness } from '../../src/linux/calls/readiness.ts';
import { UnixSocketCalls } from '../../src/linux/calls/unix-socket-calls.ts';
import { F_ADD_SEALS, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../../src/uapi/fcntl.ts';
import { F_SEAL_GROW, F_SEAL_SHRINK, MFD_ALLOW_SEALING } from '../../src/uapi/memfd.ts';

const PAGE_BYTES = kernelCalls.getpagesize();
const MAGIC = 0x4655_4244;
const HEADER_BYTES = 16;
const DESCRIPTOR_BYTES = 48;
const DMA_BUF = 1;
const MEMFD = 2;
const SYNC_FILE = 3;
const FRAME_BYTES = 120;
const PLANE_BYTES = 24;
/** DRM_FORMAT_R8 */
const R8 = 0x2020_3852;
const HUGE_PAGE_BYTES = 2 * 1024 * 1024;
const O_PATH = 0o10000000;
const SEALED = F_SEAL_SHRINK | F_SEAL_GROW;
const MFD_HUGETLB = 4;

/** The socket lies in a folder that is gone with the test. */
const [, , path = '', ...words] = argv;
const reconnects = words[0] === '--reconnect';
const misdeeds = reconnects ? words.slice(1) : words;
const sockets = new UnixSocketCalls(1024 * 1024);
let socket = sockets.create();

interface Header {
  readonly magic?: number;
  readonly version?: number;
  readonly count?: number;
  readonly messageBytes?: number;
  readonly frameCount?: number;
}

/** Written out by hand: the layout of the C header. */
function bytesOf(descriptors: readonly Uint8Array[], text: string, header: Header = {}): Buffer {
  const { magic = MAGIC, version = 1, count = descriptors.length, messageBytes = text.length, frameCount = 0 } = header;
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt16LE(version, 4);
  bytes.writeUInt16LE(count, 6);
  bytes.writeUInt32LE(messageBytes, 8);
  bytes.writeUInt32LE(frameCount, 12);
  return Buffer.concat([bytes, ...descriptors, Buffer.from(text)]);
}

function descriptor(kind: number, length: bigint | number, name: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(DESCRIPTOR_BYTES);
  bytes.writeUInt32LE(kind, 0);
  bytes.writeBigUInt64LE(BigInt(length), 8);
  bytes.set(name, 16);
  return bytes;
}

/**
 * R8 of 8x8 pixels in the one descriptor of the message, a memfd of a page, unless given otherwise.
 */
interface Frame {
  readonly width?: number;
  readonly height?: number;
  readonly fourcc?: number;
  readonly modifier?: bigint;
  readonly planes?: readonly Plane[];
  readonly planeCount?: number;
  /** What is announced of the descriptor. */
  readonly kind?: number;
  readonly length?: bigint | number;
}

interface Plane {
  readonly descriptor?: number;
  readonly stride?: number;
  readonly offset?: bigint | number;
  readonly length?: bigint | number;
}

async function sendFrame(frame: Frame): Promise<void> {
  const { width = 8, height = 8, fourcc = R8, modifier = 0n, planes = [{}], kind = MEMFD, length = PAGE_BYTES } = frame;
  const bytes = Buffer.alloc(FRAME_BYTES);
  for (const [index, number] of [width, height, fourcc, frame.planeCount ?? planes.length].entries())
    bytes.writeUInt32LE(number, 4 * index);
  bytes.writeBigUInt64LE(modifier, 16);
  for (const [index, plane] of planes.entries()) bytes.set(bytesOfPlane(plane), 24 + index * PLANE_BYTES);
  await send(bytesOf([descriptor(kind, length), bytes], '', { count: 1, frameCount: 1 }), [memfd(SEALED)]);
}

function bytesOfPlane({ descriptor = 0, stride = 8, offset = 0, length = 64 }: Plane): Buffer {
  const bytes = Buffer.alloc(PLANE_BYTES);
  bytes.writeUInt32LE(descriptor, 0);
  bytes.writeUInt32LE(stride, 4);
  bytes.writeBigUInt64LE(BigInt(offset), 8);
  bytes.writeBigUInt64LE(BigInt(length), 16);
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
  const fd = kernelCalls.memfd_create('dmabuf-hostile', MFD_ALLOW_SEALING);
  kernelCalls.ftruncate(fd, length);
  kernelCalls.fcntl(fd, F_ADD_SEALS, seals);
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

/** A folder whose path is too long for any call. */
function folderFarDown(): number {
  const name = 'd'.repeat(250);
  const depth = 20;
  const start = process.cwd();
  process.chdir(dirname(path));
  for (let level = 0; level < depth; level += 1) {
    mkdirSync(name);
    process.chdir(name);
  }
  const fd = openSync('.', 'r');
  for (let level = 0; level < depth; level += 1) {
    process.chdir('..');
    rmdirSync(name);
  }
  process.chdir(start);
  return fd;
}

/** A file that has its path only for a moment. */
function fileCalled(file: string): number {
  writeFileSync(file, Buffer.alloc(PAGE_BYTES));
  const fd = openSync(file, 'r+');
  unlinkSync(file);
  return fd;
}

/**
 * A folder that has its path only for a moment. Unlike a file, it has no seals on a tmpfs, which
 * holds everything in a guest.
 */
function folderCalled(folder: string): number {
  mkdirSync(folder);
  const fd = openSync(folder, 'r');
  rmdirSync(folder);
  return fd;
}

function hugeMemfd(): number {
  const fd = kernelCalls.memfd_create('dmabuf-hostile', MFD_ALLOW_SEALING | MFD_HUGETLB);
  kernelCalls.ftruncate(fd, HUGE_PAGE_BYTES);
  kernelCalls.fcntl(fd, F_ADD_SEALS, SEALED);
  return fd;
}

function socketEnd(): number {
  const [first] = sockets.createPair();
  return first.take();
}

/** A consumer's request to a ring. */
async function sendJoin(fields: Record<string, unknown> = {}, fds: readonly number[] = []): Promise<void> {
  const text = JSON.stringify({ ringVersion: 1, mode: 'newest', heldMax: 1, ...fields });
  await send(
    bytesOf(
      fds.map(() => descriptor(MEMFD, PAGE_BYTES)),
      text,
    ),
    fds,
  );
}

/** Joins a ring, and keeps what came with the answer. */
async function joinRing(): Promise<void> {
  await sendJoin();
  while (sockets.receive(socket.borrow()) === undefined) await readiness.wait(socket.borrow(), 'read');
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
  'epoll descriptor': () => sendAs(kernelCalls.epoll_create1(0)),
  'folder with a path longer than a page': () => sendAs(folderFarDown()),
  'folder with a path longer than a page, as dma-buf': () => sendAs(folderFarDown(), DMA_BUF),
  'folder with a path longer than a page, as sync file': () => sendAs(folderFarDown(), SYNC_FILE, 0),
  'folder whose path has line breaks': () => sendAs(folderCalled(join(dirname(path), 'a\nb\u001b[2J'))),
  'folder whose path is that of a dma-buf': () => sendAs(folderCalled('/dmabuf:hostile'), DMA_BUF),
  'folder whose name is that of a sync file': () =>
    sendAs(folderCalled(join(dirname(path), 'anon_inode:sync_file')), SYNC_FILE, 0),
  'file on a tmpfs': () => sendAs(fileCalled('/dev/shm/dmabuf-hostile')),
  pidfd: () => sendAs(kernelCalls.pidfd_open(process.pid, 0)),
  'pidfd as sync file': () => sendAs(kernelCalls.pidfd_open(process.pid, 0), SYNC_FILE, 0),
  'memfd of huge pages': () => sendAs(hugeMemfd(), MEMFD, HUGE_PAGE_BYTES),
  'memfd of 2^53 bytes': () => sendAs(memfd(SEALED, 2 ** 53), MEMFD, 2 ** 53),
  'memfd of 2^62 bytes': () => sendAs(memfd(SEALED, 2 ** 62), MEMFD, 2 ** 62),
  'memfd of one page more than a table holds': () =>
    sendAs(memfd(SEALED, 2 ** 31 * PAGE_BYTES), MEMFD, 2 ** 31 * PAGE_BYTES),
  'memfd as sync file': () => sendAs(memfd(SEALED), SYNC_FILE, 0),
  'memfd as dma-buf': () => sendAs(memfd(SEALED), DMA_BUF),
  'memfd not sealed': async () => {
    const fd = memfd(0);
    await sendAs(fd);
    kernelCalls.ftruncate(fd, 0);
  },
  'memfd cut, then sealed': async () => {
    const fd = memfd(0, 2 * PAGE_BYTES);
    kernelCalls.ftruncate(fd, PAGE_BYTES);
    kernelCalls.fcntl(fd, F_ADD_SEALS, SEALED);
    await sendAs(fd, MEMFD, 2 * PAGE_BYTES);
  },
  'memfd emptied later': async () => {
    const fd = memfd(SEALED);
    writeSync(fd, Buffer.alloc(PAGE_BYTES, 1));
    await sendAs(fd);
    const refused = kernelCalls.ftruncate(fd, 0) < 0;
    kernelCalls.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_BYTES);
    await send(bytesOf([], refused ? 'could not cut it' : 'cut it'));
  },
  'memfd sealed against growing only': () => sendAs(memfd(F_SEAL_GROW)),
  'memfd for writing only': () => sendAs(openSync(`/proc/self/fd/${memfd(SEALED)}`, 'a')),
  'empty memfd': () => sendAs(memfd(SEALED, 0), MEMFD, 0),
  'memfd of part of a page, announced as a page': () => sendAs(memfd(SEALED, 100)),
  'memfd of a page and a half, announced as a page': () => sendAs(memfd(SEALED, 1.5 * PAGE_BYTES)),
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
  'two frames announced': () => send(bytesOf([], 'text', { frameCount: 2 })),
  'frame announced and not there': () => send(bytesOf([], 'text', { frameCount: 1 })),
  'frame in no descriptor': () => sendFrame({ planes: [{ descriptor: 1 }] }),
  'frame in the last descriptor that can be': () => sendFrame({ planes: [{ descriptor: 0xffff_ffff }] }),
  'frame in a sync file': () => sendFrame({ kind: SYNC_FILE }),
  'frame of no plane': () => sendFrame({ planes: [] }),
  'frame of five planes': () => sendFrame({ planeCount: 5 }),
  'frame of more planes than its format has': () => sendFrame({ planes: [{}, {}] }),
  'frame with a plane behind its last': () => sendFrame({ planes: [{}, {}], planeCount: 1 }),
  'frame without width': () => sendFrame({ width: 0 }),
  'frame without format': () => sendFrame({ fourcc: 0 }),
  'frame longer than its buffer': () => sendFrame({ planes: [{ length: PAGE_BYTES + 1 }] }),
  'frame behind its buffer': () => sendFrame({ planes: [{ offset: 2n ** 64n - 64n }] }),
  'frame whose end is beyond 64 bits': () =>
    sendFrame({ planes: [{ offset: 2n ** 64n - 1n, length: 2n ** 64n - 1n }], length: 2n ** 64n - 1n }),
  'frame beyond 32 bits': () => sendFrame({ planes: [{ offset: 2 ** 32 }], length: 2 ** 33 }),
  'frame whose rows are longer than its stride': () => sendFrame({ planes: [{ stride: 7 }] }),
  'frame whose rows are more than its plane': () => sendFrame({ planes: [{ length: 63 }] }),
  'frame of 2^32 rows': () => sendFrame({ height: 2 ** 32 - 1 }),
  'frame of a tiling nobody knows, longer than its buffer': () =>
    sendFrame({ modifier: 2n ** 64n - 1n, planes: [{ length: PAGE_BYTES + 1 }] }),
  'message cut off': () => send(bytesOf([], 'text', { messageBytes: 5 })),
  'message longer than announced': () => send(bytesOf([], 'text', { messageBytes: 3 })),
  'message too long': () => send(bytesOf([], 'x'.repeat(64 * 1024 + 1))),
  'message far too long': () => send(bytesOf([], 'x'.repeat(100 * 1024)), [memfd(SEALED)]),
  'saying nothing': async () => {
    await Promise.resolve();
  },
  'joining with a buffer': () => sendJoin({}, [memfd(SEALED)]),
  'joining by a mode of 25,000 characters': () => sendJoin({ mode: '\u001b[2J\n'.repeat(5000) }),
  'joining by arrays in arrays': () => send(bytesOf([], '['.repeat(30_000) + ']'.repeat(30_000))),
  'joining by text that is no object': () => send(bytesOf([], '17')),
  'joining to hold more than it may': () => sendJoin({ heldMax: 3 }),
  'joining to hold none': () => sendJoin({ heldMax: 0 }),
  'sending a buffer after joining': async () => {
    await joinRing();
    await sendAs(memfd(SEALED));
  },
  'sending a folder after joining': async () => {
    await joinRing();
    await sendAs(folderFarDown());
  },
  'sending garbage after joining': async () => {
    await joinRing();
    await send(Buffer.alloc(5000, 0xa5));
  },
  'sending too much after joining': async () => {
    await joinRing();
    await send(bytesOf([], 'x'.repeat(100 * 1024)));
  },
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

/** The other end may close the connection before it has read all. */
async function untilClosed(): Promise<void> {
  await readiness.wait(socket.borrow(), 'hangUp');
  socket.close();
}

sockets.connect(socket.borrow(), path);
for (const [index, misdeed] of misdeeds.entries()) {
  const commit = MISDEEDS[misdeed];
  if (commit === undefined) throw new Error(`There is no misdeed "${misdeed}"`);
  await commit();
  if (!reconnects) {
    await send(bytesOf([], 'still here'));
    continue;
  }
  await untilClosed();
  if (index === misdeeds.length - 1) break;
  socket = sockets.create();
  sockets.connect(socket.borrow(), path);
}
if (!reconnects) await untilClosed();
