import { join } from 'node:path';

import { outOfRange } from '../../base/argument-error.ts';
import type { Argument } from '../../base/argument-error.ts';
import { checkInteger, readOptions } from '../../base/check.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { DmaBufErrorFields, ErrnoName } from '../../base/errors.ts';
import { toByteLength } from '../../base/quantities.ts';
import { readArray } from '../../base/read-array.ts';
import { formatSize } from '../../base/sizes.ts';
import { checkBufferName } from '../../heap/buffer-name.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { explainRefusedDevice } from '../../diagnosis/device-access.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { borrowFd } from '../../linux/calls/given-fd.ts';
import { committedBytesOf, inodeOf, sizeOf } from '../../linux/calls/file-status.ts';
import { readAvailableMemory } from '../../linux/proc/available-memory.ts';
import type { FileRange } from '../../linux/calls/memory-calls.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../uapi/memfd.ts';
import { createBufferCalls } from '../buffer-calls.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import { importBuffer } from '../fd-buffer/import-buffer.ts';
import { UDMABUF_DEVICE } from '../fd-buffer/memfd-buffer.ts';
import { CommitLimiter } from '../commit-limiter.ts';
import { readUdmabufLimit, readUdmabufListLimit } from './limit.ts';
import { Machine } from '../../linux/machine.ts';

/** A part of a memfd, in bytes; whole pages. */
export interface UdmabufItem {
  /**
   * A memfd that is sealed against shrinking and not against writing, or its number. The caller
   * keeps ownership.
   */
  readonly fd: OwnedFd | number;
  /** Default: 0. */
  readonly offset?: number | undefined;
  /** Default: to the memfd's end. */
  readonly length?: number | undefined;
}

/** Options of {@link createUdmabuf}. */
export interface CreateUdmabufOptions {
  /** The dma-buf's name, at most 31 bytes. */
  readonly name?: string | undefined;
}

const ACTION = 'make a udmabuf';

/**
 * Makes one buffer from parts of memfds, one after the other, without a copy: writes to a memfd are
 * writes to the buffer (drivers/dma-buf/udmabuf.c, UDMABUF_CREATE_LIST). Its pages stay in memory
 * while the buffer exists.
 *
 * @param items at least one; with the driver's default limits at most 1,024, and 64 MiB together
 * @throws {TypeError | RangeError} for an invalid descriptor, a range that is not whole pages, or
 *   one that reaches past a memfd's end
 * @throws {DmaBufError} `ENOMEM` when the machine or the control group has no room for its pages;
 *   `EINVAL` for a file that is not a memfd or lacks the seals, or beyond the driver's limits;
 *   `ENOENT`, `EACCES` and others where `/dev/udmabuf` cannot be opened: the message gives the
 *   remedy
 *
 * @example
 * ```ts
 * import { createUdmabuf, isDmaBufError, openHeap } from 'dmabuf';
 *
 * const heap = openHeap('system', { backends: ['embedded'] });
 * const memory = heap.allocate(64 * 1024, { shareable: true });
 * const memfd = memory.exportFd();
 * try {
 *   // The second half of the memfd, before its first.
 *   const half = memory.length / 2;
 *   const buffer = createUdmabuf([
 *     { fd: memfd, offset: half, length: half },
 *     { fd: memfd, offset: 0, length: half },
 *   ]);
 *   console.log(buffer.length);
 *   buffer.close();
 * } catch (error) {
 *   // Where there is no /dev/udmabuf, or this user may not open it, or the buffer is a udmabuf itself.
 *   if (!isDmaBufError(error)) throw error;
 * }
 * memfd.close();
 * memory.close();
 * heap.close();
 * ```
 */
export function createUdmabuf(items: readonly UdmabufItem[], options?: CreateUdmabufOptions): DmaBuf;
/** @internal */
export function createUdmabuf(items: readonly UdmabufItem[], options: CreateUdmabufOptions, machine: Machine): DmaBuf;
export function createUdmabuf(
  items: readonly UdmabufItem[],
  options: CreateUdmabufOptions = {},
  hidden?: unknown,
): DmaBuf {
  const machine = Machine.hiddenIn(hidden);
  const { name = '' } = readOptions(options, ACTION, ['name']);
  checkBufferName(name, { action: ACTION, name: 'name' });
  // Reads all items before it borrows the first descriptor: reading one may close another's.
  const plain = readArray(items, { action: ACTION, name: 'items' }, readItem);
  if (plain.length === 0)
    throw outOfRange({ action: ACTION, name: 'items' }, { must: 'have at least one item', received: plain });
  const calls = createBufferCalls(machine.raw);
  const checked = plain.map((item, index) => checkItem(calls, item, nameOfItem(index)));
  checkLimits(checked, machine);
  return withCleanup((cleanup) => {
    const device = openDevice(calls, machine);
    cleanup.defer(() => device.close());
    checkRoom(checked, machine);
    const udmabuf = calls.dmaBuf.createUdmabufOfRanges(device.borrow(), checked);
    cleanup.defer(() => udmabuf.close());
    if (name !== '') calls.dmaBuf.setName(udmabuf.borrow(), name);
    const buffer = importBuffer(udmabuf, {}, machine);
    cleanup.defer(() => buffer.close());
    udmabuf.close();
    device.close();
    return buffer;
  });
}

function nameOfItem(index: number): string {
  return `items[${index}]`;
}

function readItem(item: unknown, index: number): UdmabufItem {
  const name = nameOfItem(index);
  const plain = readOptions(item as UdmabufItem, ACTION, ['fd', 'offset', 'length'], name);
  const { offset, length } = plain;
  // Checked now: arithmetic on a value that is not a number would run the caller's code later.
  if (offset !== undefined) checkBytes(offset, { action: ACTION, name: `${name}.offset` }, 0);
  if (length !== undefined) checkBytes(length, { action: ACTION, name: `${name}.length` }, 0);
  return plain;
}

function checkBytes(bytes: number, argument: Argument, min: number): void {
  checkInteger(bytes, { ...argument, min, max: Number.MAX_SAFE_INTEGER, unit: 'bytes' });
}

function checkItem(calls: BufferCalls, item: UdmabufItem, name: string): FileRange {
  const { fd, offset = 0 } = item;
  const borrowed = borrowFd(fd, { action: ACTION, name: `${name}.fd` });
  const pageSize = calls.memory.pageSize();
  checkSeals(calls, borrowed);
  const size = sizeOf(borrowed);
  const { length = size - offset } = item;
  const lengthArgument = { action: ACTION, name: `${name}.length` };
  checkPages(offset, { action: ACTION, name: `${name}.offset` }, { min: 0, pageSize });
  checkPages(length, lengthArgument, { min: pageSize, pageSize });
  if (offset + length > size)
    throw outOfRange(lengthArgument, {
      must: `end within its memfd of ${size} bytes`,
      received: length,
      shown: `${length} from ${offset}`,
    });
  return { fd: borrowed, offset, length: toByteLength(length) };
}

function checkPages(bytes: number, argument: Argument, { min, pageSize }: { min: number; pageSize: number }): void {
  checkBytes(bytes, argument, min);
  if (bytes % pageSize === 0) return;
  throw outOfRange(argument, { must: `be whole pages of ${pageSize} bytes`, received: bytes });
}

/** The checks of check_memfd_seals in drivers/dma-buf/udmabuf.c, whose only error is EINVAL. */
function checkSeals(calls: BufferCalls, fd: FileRange['fd']): void {
  const seals = calls.memory.sealsOf(fd);
  if (seals === undefined) throw refusal('what it is made of must be a memfd', { code: 'EINVAL', values: { fd } });
  const values = { fd, seals };
  if ((seals & F_SEAL_SHRINK) === 0)
    throw refusal('the memfd could shrink: make it with MFD_ALLOW_SEALING and seal it with F_SEAL_SHRINK', {
      code: 'EINVAL',
      values,
    });
  if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0)
    throw refusal('the memfd is sealed against writing: devices could write to it', { code: 'EINVAL', values });
}

/**
 * The driver commits and pins every page. Beyond a control group's limit there would be no error,
 * only SIGKILL.
 */
function checkRoom(items: readonly FileRange[], machine: Machine): void {
  const length = items.reduce((sum, item) => sum + item.length, 0);
  const memfds = new Map(items.map(({ fd }) => [inodeOf(fd), fd]));
  const committedBytes = [...memfds.values()].reduce((sum, fd) => sum + committedBytesOf(fd), 0);
  const room = new CommitLimiter('udmabuf', () => readAvailableMemory(machine));
  room.check({ length, newBytes: Math.max(0, length - committedBytes), pledgedBytes: () => 0 });
}

/** Read each time, because they can change at any time. */
function checkLimits(items: readonly FileRange[], machine: Machine): void {
  const { count: countMax, remedy } = readUdmabufListLimit(machine);
  const count = items.length;
  if (count > countMax)
    throw refusal(`it is made of at most ${countMax} items: current value is ${count}; ${remedy}`, {
      code: 'EINVAL',
      values: { count, limit: countMax },
    });
  const limit = readUdmabufLimit(machine);
  const length = items.reduce((sum, item) => sum + item.length, 0);
  if (length > limit.bytes)
    throw refusal(`it holds at most ${formatSize(limit.bytes)}: current value is ${length} bytes; ${limit.remedy}`, {
      code: 'EINVAL',
      values: { length, limitBytes: limit.bytes },
    });
}

function openDevice(calls: BufferCalls, machine: Machine): OwnedFd {
  try {
    return calls.dmaBuf.openUdmabuf(join(machine.root, UDMABUF_DEVICE));
  } catch (cause) {
    if (!isDmaBufError(cause)) throw cause;
    const { reason, remedy } = explainRefusedDevice(UDMABUF_DEVICE, cause.code as ErrnoName, machine);
    const { code, syscall = 'open', values } = cause;
    throw refusal([reason, remedy].filter(Boolean).join('; '), { code, syscall, values, cause });
  }
}

function refusal(why: string, fields: DmaBufErrorFields): DmaBufError {
  return new DmaBufError(`Cannot ${ACTION} as ${why}`, { syscall: 'ioctl', ...fields });
}
