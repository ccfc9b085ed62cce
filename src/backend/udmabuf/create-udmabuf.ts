import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { checkInteger, checkOptions } from '../../base/check.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { DmaBufErrorFields, ErrnoName } from '../../base/errors.ts';
import { toByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import { checkBufferName } from '../../heap/buffer-name.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { explainRefusedDevice } from '../../linux/device-access.ts';
import type { OwnedFd } from '../../linux/fd.ts';
import { committedBytesOf, inodeOf } from '../../linux/file-status.ts';
import { readMemoryRoom } from '../../linux/memory-room.ts';
import type { FileStretch } from '../../linux/system-calls.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../uapi/memfd.ts';
import { borrowFd } from '../borrow-fd.ts';
import { createBufferCalls } from '../buffer-calls.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import { sealsOf } from '../buffer-file.ts';
import { importBufferWithin } from '../import-buffer.ts';
import { UDMABUF_DEVICE } from '../memfd-buffer.ts';
import { RoomGauge } from '../room-gauge.ts';
import type { HeapSurroundings } from '../surroundings.ts';
import { readUdmabufLimit, readUdmabufListLimit } from './limit.ts';

/** A part of a memfd, in bytes; whole pages. */
export interface UdmabufStretch {
  /** A memfd that is sealed against shrinking and not against writing, or its number. It stays the caller's. */
  readonly fd: OwnedFd | number;
  /** Default: 0. */
  readonly offset?: number | undefined;
  /** Default: up to the memfd's end. */
  readonly length?: number | undefined;
}

/** Options of {@link createUdmabuf}. */
export interface CreateUdmabufOptions {
  /** The dma-buf's name, at most 31 bytes. */
  readonly name?: string | undefined;
}

const ACTION = 'make a udmabuf';

/**
 * Makes one buffer of parts of memfds, one behind the other in their order, without a copy: who writes to a memfd writes to the buffer
 * (drivers/dma-buf/udmabuf.c, UDMABUF_CREATE_LIST). Its pages stay in memory for as long as the buffer does.
 *
 * @param stretches at least one; as a rule at most 1,024 of them, and 64 MiB together
 * @throws {TypeError | RangeError} for what is no descriptor, is not whole pages, or reaches past a memfd's end
 * @throws {DmaBufError} `ENOMEM` when the machine or the control group has no room for its pages; `EINVAL` for a file that is no memfd, has not the seals, or for more than the driver's limits; `ENOENT`, `EACCES` and
 *   others where `/dev/udmabuf` cannot be opened: the message says what would help
 */
export function createUdmabuf(stretches: readonly UdmabufStretch[], options: CreateUdmabufOptions = {}): DmaBuf {
  return createUdmabufWithin({}, stretches, options);
}

/** As {@link createUdmabuf}, in other surroundings. @internal */
export function createUdmabufWithin(
  surroundings: HeapSurroundings,
  stretches: readonly UdmabufStretch[],
  options: CreateUdmabufOptions = {},
): DmaBuf {
  const { raw, root = '/' } = surroundings;
  checkOptions(options, ACTION, ['name']);
  const name = checkBufferName(options.name ?? '');
  if (!Array.isArray(stretches))
    throw new TypeError(`Cannot ${ACTION} as its stretches must be an array: current value is ${inspect(stretches)}`);
  if (stretches.length === 0) throw new RangeError(`Cannot ${ACTION} as it needs at least one stretch`);
  const calls = createBufferCalls(raw);
  const checked = stretches.map((stretch) => checkStretch(calls, stretch));
  checkLimits(checked, root);
  return withCleanup((cleanup) => {
    const device = openDevice(calls, root);
    cleanup.defer(() => device.close());
    checkRoom(checked, root);
    const udmabuf = calls.dmaBuf.createUdmabufOfStretches(device.borrow(), checked);
    cleanup.defer(() => udmabuf.close());
    if (name !== '') calls.dmaBuf.setName(udmabuf.borrow(), name);
    const buffer = importBufferWithin(surroundings, udmabuf);
    cleanup.defer(() => buffer.close());
    udmabuf.close();
    device.close();
    return buffer;
  });
}

function checkStretch(calls: BufferCalls, stretch: unknown): FileStretch {
  checkOptions(stretch, `${ACTION} of a stretch`, ['fd', 'offset', 'length']);
  const { fd, offset = 0 } = stretch as UdmabufStretch;
  const borrowed = borrowFd(fd, ACTION);
  const pageSize = calls.system.pageSize();
  checkSeals(calls, borrowed);
  const { size } = fstatSync(borrowed);
  const { length = size - offset } = stretch as UdmabufStretch;
  checkPages(offset, { what: 'offset', min: 0, pageSize });
  checkPages(length, { what: 'length', min: pageSize, pageSize });
  if (offset + length > size)
    throw new RangeError(
      `Cannot ${ACTION} as each stretch must lie within its memfd of ${size} bytes: current value is ${length} from ${offset}`,
    );
  return { fd: borrowed, offset, length: toByteLength(length) };
}

function checkPages(bytes: number, { what, min, pageSize }: { what: string; min: number; pageSize: number }): void {
  checkInteger(bytes, `${ACTION} of a stretch by its ${what}`, { min, max: Number.MAX_SAFE_INTEGER });
  if (bytes % pageSize === 0) return;
  throw new RangeError(
    `Cannot ${ACTION} as every ${what} must be whole pages of ${pageSize} bytes: current value is ${bytes}`,
  );
}

/** As check_memfd_seals in drivers/dma-buf/udmabuf.c, which says no more than EINVAL. */
function checkSeals(calls: BufferCalls, fd: FileStretch['fd']): void {
  const seals = sealsOf(calls, fd);
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

/** The driver commits and pins every page: past a control group's limit there would be no error, only SIGKILL. */
function checkRoom(stretches: readonly FileStretch[], root: string): void {
  const length = stretches.reduce((sum, stretch) => sum + stretch.length, 0);
  const memfds = new Map(stretches.map(({ fd }) => [inodeOf(fd), fd]));
  const committedBytes = [...memfds.values()].reduce((sum, fd) => sum + committedBytesOf(fd), 0);
  const room = new RoomGauge('udmabuf', () => readMemoryRoom(root));
  room.check({ length, newBytes: Math.max(0, length - committedBytes), pledgedBytes: () => 0 });
}

/** Read anew each time, as they can be changed at any time. */
function checkLimits(stretches: readonly FileStretch[], root: string): void {
  const { count: countMax, remedy } = readUdmabufListLimit(root);
  const count = stretches.length;
  if (count > countMax)
    throw refusal(`it is made of at most ${countMax} stretches: current value is ${count}; ${remedy}`, {
      code: 'EINVAL',
      values: { count, limit: countMax },
    });
  const limit = readUdmabufLimit(root);
  const length = stretches.reduce((sum, stretch) => sum + stretch.length, 0);
  if (length > limit.bytes)
    throw refusal(`it holds at most ${formatSize(limit.bytes)}: current value is ${length} bytes; ${limit.remedy}`, {
      code: 'EINVAL',
      values: { length, limitBytes: limit.bytes },
    });
}

function openDevice(calls: BufferCalls, root: string): OwnedFd {
  try {
    return calls.dmaBuf.openUdmabuf(join(root, UDMABUF_DEVICE));
  } catch (cause) {
    if (!isDmaBufError(cause)) throw cause;
    const { reason, remedy } = explainRefusedDevice(UDMABUF_DEVICE, cause.code as ErrnoName, root);
    const { code, syscall = 'open', values } = cause;
    throw refusal([reason, remedy].filter(Boolean).join('; '), { code, syscall, values, cause });
  }
}

function refusal(why: string, fields: DmaBufErrorFields): DmaBufError {
  return new DmaBufError(`Cannot ${ACTION} as ${why}`, { syscall: 'ioctl', ...fields });
}
