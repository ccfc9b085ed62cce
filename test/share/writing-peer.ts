/**
 * A peer that was given memory to read, and tries every way to write to it: `node writing-peer.js
 * PATH`. Answers with the error of each, as JSON, or that it worked.
 */

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { argv } from 'node:process';

import { errnoName } from '../../src/base/errors.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { readiness } from '../../src/linux/calls/readiness.ts';
import { UnixSocketCalls } from '../../src/linux/calls/unix-socket-calls.ts';
import { encodeMessage } from '../../src/share/connection/message-header.ts';
import { F_ADD_SEALS, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../../src/uapi/fcntl.ts';
import { F_SEAL_WRITE } from '../../src/uapi/memfd.ts';
import { MAP_PRIVATE, MAP_SHARED, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE } from '../../src/uapi/mman.ts';
import { UDMABUF_CREATE, udmabufCreate } from '../../src/uapi/udmabuf.ts';

const PAGE_BYTES = kernelCalls.getpagesize();
/** include/uapi/linux/falloc.h, include/uapi/asm-generic/mman-common.h */
const FALLOC_FL_ZERO_RANGE = 0x10;
const MADV_REMOVE = 9;
const BYTES = Buffer.alloc(PAGE_BYTES, 0xee);

function checked(result: number): number {
  if (result < 0) throw Object.assign(new Error('refused'), { code: errnoName(-result) });
  return result;
}

function map(fd: number, protection: number, flags: number): number {
  return checked(kernelCalls.mmap(0, PAGE_BYTES, protection, flags, fd, 0));
}

/** As a debugger writes: it bypasses the protection of a mapping, if the kernel allows it. */
function writeByProcMem(address: number): void {
  const memory = openSync('/proc/self/mem', 'r+');
  try {
    writeSync(memory, BYTES, 0, BYTES.length, address);
  } finally {
    closeSync(memory);
  }
}

function reopen(fd: number, flags: string): number {
  return openSync(`/proc/self/fd/${fd}`, flags);
}

function writeByUdmabuf(fd: number): void {
  const device = openSync('/dev/udmabuf', 'r+');
  const argument = udmabufCreate.write({ memfd: fd, flags: 0, offset: 0, size: PAGE_BYTES });
  const dmaBuf = checked(kernelCalls.ioctlForFd(device, UDMABUF_CREATE, argument, -1));
  kernelCalls.memset(map(dmaBuf, PROT_READ | PROT_WRITE, MAP_SHARED), 0xee, PAGE_BYTES);
}

const ATTEMPTS: Readonly<Record<string, (fd: number) => void>> = {
  'write(2)': (fd) => writeSync(fd, BYTES),
  'write(2) at an offset': (fd) => writeSync(fd, BYTES, 0, BYTES.length, PAGE_BYTES),
  'a shared mapping': (fd) => kernelCalls.memset(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), 0xee, PAGE_BYTES),
  'a shared mapping of another opening': (fd) =>
    kernelCalls.memset(map(reopen(fd, 'r+'), PROT_READ | PROT_WRITE, MAP_SHARED), 0xee, PAGE_BYTES),
  'write(2) through another opening': (fd) => writeSync(reopen(fd, 'r+'), BYTES),
  'opening it to be emptied': (fd) => reopen(fd, 'w'),
  'ftruncate() to nothing': (fd) => ftruncateSync(fd, 0),
  'ftruncate() to more': (fd) => ftruncateSync(fd, 1024 * PAGE_BYTES),
  'a hole': (fd) => checked(kernelCalls.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_BYTES)),
  'a range of zeros': (fd) => checked(kernelCalls.fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, PAGE_BYTES)),
  'another seal': (fd) => checked(kernelCalls.fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)),
  'taking the pages of a mapping away': (fd) =>
    checked(kernelCalls.madvise(map(fd, PROT_READ, MAP_SHARED), PAGE_BYTES, MADV_REMOVE)),
  '/proc/self/mem over a mapping to read': (fd) => writeByProcMem(map(fd, PROT_READ, MAP_SHARED)),
  '/proc/self/mem over a duplicate of a mapping to read': (fd) =>
    writeByProcMem(checked(kernelCalls.mremap(map(fd, PROT_READ, MAP_SHARED), 0, PAGE_BYTES, MREMAP_MAYMOVE, 0))),
  'a private mapping, which is a copy': (fd) =>
    kernelCalls.memset(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE), 0xee, PAGE_BYTES),
  'a udmabuf over it': writeByUdmabuf,
};

function outcomeOf(attempt: (fd: number) => void, fd: number): string {
  try {
    attempt(fd);
    return 'worked';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

const sockets = new UnixSocketCalls(1024 * 1024);
const socket = sockets.create();
sockets.connect(socket.borrow(), argv[2] ?? '');
await readiness.wait(socket.borrow(), 'read');
const fds = sockets.receive(socket.borrow())?.fds ?? [];
const outcomes = fds.map((fd) =>
  Object.fromEntries(Object.entries(ATTEMPTS).map(([name, attempt]) => [name, outcomeOf(attempt, fd.borrow())])),
);
const message = new TextEncoder().encode(JSON.stringify(outcomes));
sockets.send(socket.borrow(), encodeMessage({ descriptors: [], message }), []);
await readiness.wait(socket.borrow(), 'hangUp');
socket.close();
