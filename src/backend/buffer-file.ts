import { fstatSync, readlinkSync, statfsSync } from 'node:fs';

import { DmaBufError } from '../base/errors.ts';
import { toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import { parseDmaBufFdinfo } from '../linux/dma-buf-fdinfo.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import { readSystemFile } from '../linux/system-file.ts';
import { O_RDWR } from '../uapi/fcntl.ts';
import { HUGETLBFS_MAGIC } from '../uapi/magic.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_WRITE } from '../uapi/memfd.ts';
import type { BufferCalls } from './buffer-calls.ts';

/** A file that a buffer can be made of. */
interface BufferFile {
  readonly kind: 'dma-buf' | 'memfd';
  /** Of a dma-buf, whoever made it; otherwise `memfd`. */
  readonly exporter: string;
  /** The dma-buf's name; empty where it has none. */
  readonly name: string;
  readonly length: ByteLength;
}

/**
 * Tells what a descriptor from elsewhere is, by what the kernel says of it and nothing else. A memfd must be sealed against shrinking: whoever
 * else holds it could cut it otherwise, and the next touch would end this process with SIGBUS (man 2 fcntl, F_SEAL_SHRINK).
 *
 * @throws {DmaBufError} `EINVAL` or `EACCES` for what no buffer can be made of
 */
export function identifyBufferFile(calls: BufferCalls, fd: BorrowedFd): BufferFile {
  const info = parseDmaBufFdinfo(readSystemFile(`/proc/self/fdinfo/${fd}`).toString());
  const file =
    info === undefined
      ? { kind: 'memfd' as const, exporter: 'memfd', name: '', length: checkMemfd(calls, fd) }
      : {
          kind: 'dma-buf' as const,
          exporter: info.exporter,
          name: info.name ?? '',
          length: calls.dmaBuf.lengthOf(fd),
        };
  checkLength(file.length, calls.system.pageSize());
  if (calls.system.accessModeOf(fd) !== O_RDWR) {
    throw refusal('it was not opened for reading and writing: its sender must open or allocate it with O_RDWR', {
      code: 'EACCES',
    });
  }
  return file;
}

function checkMemfd(calls: BufferCalls, fd: BorrowedFd): ByteLength {
  const seals = sealsOf(calls, fd);
  if (seals === undefined) {
    const file = readlinkSync(`/proc/self/fd/${fd}`);
    throw refusal(`it is neither a dma-buf nor a memfd, but ${file}`, { code: 'EINVAL', file });
  }
  if ((seals & F_SEAL_SHRINK) === 0) {
    throw refusal(
      'whoever else holds the memfd could shrink it: its sender must make it with MFD_ALLOW_SEALING and seal it with F_SEAL_SHRINK',
      { code: 'EINVAL', seals },
    );
  }
  if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0)
    throw refusal('the memfd is sealed against writing, and a view is for both', { code: 'EINVAL', seals });
  if (statfsSync(`/proc/self/fd/${fd}`).type === HUGETLBFS_MAGIC)
    throw refusal('the memfd has huge pages, whose views would have to begin on one', { code: 'EINVAL' });
  return toByteLength(fstatSync(fd).size);
}

/** Undefined for a file that has none: only memfds, and files on tmpfs, do. */
export function sealsOf(calls: BufferCalls, fd: BorrowedFd): number | undefined {
  try {
    return calls.system.sealsOf(fd);
  } catch (error) {
    if (error instanceof DmaBufError && error.code === 'EINVAL') return undefined;
    throw error;
  }
}

function checkLength(length: number, pageSize: number): void {
  if (length > 0 && length % pageSize === 0) return;
  throw refusal(`its length of ${length} bytes is not whole pages of ${pageSize}`, { code: 'EINVAL', length });
}

function refusal(
  why: string,
  { code, ...values }: { code: 'EACCES' | 'EINVAL'; [name: string]: number | string },
): DmaBufError {
  return new DmaBufError(`Cannot import the buffer as ${why}`, { code, values });
}
