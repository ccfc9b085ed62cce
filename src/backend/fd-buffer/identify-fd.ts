import { DmaBufError } from '../../base/errors.ts';
import { quoteForeign } from '../../base/foreign-text.ts';
import { TABLE_PAGE_COUNT_MAX } from '../../base/limits.ts';
import { toByteLength } from '../../base/quantities.ts';
import { KiB } from '../../base/sizes.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { readDescriptorLink } from '../../linux/proc/descriptor-link.ts';
import { parseDmaBufFdinfo } from '../../linux/proc/dma-buf-fdinfo.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import { fileSystemTypeOf, statusOf } from '../../linux/calls/file-status.ts';
import { SystemTextReader } from '../../linux/proc/system-text-reader.ts';
import { O_RDWR, O_WRONLY } from '../../uapi/fcntl.ts';
import { HUGETLBFS_MAGIC } from '../../uapi/magic.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../uapi/memfd.ts';
import type { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { BufferCalls } from '../buffer-calls.ts';

/** A file that can become a buffer. */
export interface IdentifiedFd {
  readonly kind: 'dma-buf' | 'memfd';
  /** The exporter of a dma-buf; otherwise `memfd`. */
  readonly exporter: string;
  /** The dma-buf's name; empty where it has none. */
  readonly name: string;
  /** The length of the buffer: of a memfd any number of bytes, of a dma-buf whole pages. */
  readonly length: ByteLength;
  /** Whether the file is longer. */
  readonly isPart: boolean;
  /** Whether this process may only read it. */
  readonly readOnly: boolean;
}

/** The requested access to a file. `as sent`: the access that a peer's descriptor allows. */
export interface FdUse {
  readonly mode: 'read' | 'readwrite' | 'as sent';
  /** In bytes. Default: the whole file. */
  readonly length?: ByteLength | undefined;
}

/**
 * The name of a dma-buf in `/proc/self/fd`: since 5.3 (drivers/dma-buf/dma-buf.c, dmabuffs_dname),
 * and before.
 */
const DMA_BUF_LINK = /^(?:\/dmabuf:|anon_inode:dmabuf$)/u;

/**
 * A dma-buf's fdinfo has some hundred bytes. `readFileSync` takes 64 KiB for them each time: 13 µs
 * against 8 µs.
 */
const fdinfoReader = new SystemTextReader(KiB);

/**
 * Identifies a descriptor from elsewhere by the kernel's information alone. A memfd must be sealed
 * against shrinking. Otherwise another holder could truncate it, and the next access would end this
 * process with SIGBUS (man 2 fcntl, F_SEAL_SHRINK).
 *
 * On an unknown file, only calls that cannot block are made: its seals, which only memfds and tmpfs
 * have, and its name in `/proc/self/fd`. Its `fdinfo`, status and file system are read once these
 * have shown that it is a dma-buf or a memfd. A user-space file (FUSE) may block such calls
 * forever, as may the lock of an epoll descriptor that waits for such a file.
 *
 * @throws {DmaBufError} `EINVAL`, `EACCES` or `EBADF` for a file that cannot become a buffer
 */
export function identifyFd(calls: BufferCalls, fd: BorrowedFd, use: FdUse): IdentifiedFd {
  const seals = calls.memory.sealsOf(fd);
  const pageSize = calls.memory.pageSize();
  const file = seals === undefined ? readDmaBuf(fd) : readMemfd(fd, { seals, pageSize });
  const length = lengthOf(file, use, pageSize);
  const readOnly = checkRights(file, use.mode, { accessMode: calls.memory.accessModeOf(fd), seals });
  const { kind, exporter, name } = file;
  // Field by field: spreading an object with one replaced field takes V8 6 µs.
  return { kind, exporter, name, length, isPart: length !== file.length, readOnly };
}

/**
 * Which file it is, and of what length, since a memfd may have grown: the same for every descriptor
 * of it while one is open. Asks nothing that can block, as {@link identifyFd}.
 *
 * @returns undefined for what is neither a memfd nor a dma-buf by its looks
 */
export function fileKeyOf(memory: MemoryCalls, fd: BorrowedFd): string | undefined {
  const looksRight = memory.sealsOf(fd) !== undefined || DMA_BUF_LINK.test(readDescriptorLink(fd) ?? '');
  if (!looksRight) return undefined;
  const { stxDevMajor, stxDevMinor, stxIno, stxSize } = statusOf(fd);
  return `${stxDevMajor}:${stxDevMinor} ${stxIno} ${stxSize}`;
}

/** The file's own information. Its length may be any number. */
type FoundFile = Pick<IdentifiedFd, 'kind' | 'exporter' | 'name'> & { readonly length: number };

const WRITE_SEALS = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

/** Whether the buffer will be read-only. */
function checkRights(
  { kind }: FoundFile,
  mode: FdUse['mode'],
  { accessMode, seals = 0 }: { accessMode: number; seals?: number | undefined },
): boolean {
  if (accessMode === O_WRONLY)
    throw refusal('it was not opened for reading and writing: its sender must open or allocate it with O_RDWR', {
      code: 'EACCES',
    });
  const isSealed = (seals & WRITE_SEALS) !== 0;
  const mayWrite = accessMode === O_RDWR && !isSealed;
  if (mode === 'readwrite' && !mayWrite) {
    const why = isSealed
      ? "the memfd is sealed against writing, and is imported to be written: to read it, import it with { mode: 'read' }"
      : 'it was not opened for reading and writing: its sender must open or allocate it with O_RDWR, or, to read it, ' +
        "import it with { mode: 'read' }";
    throw refusal(why, { code: 'EACCES', seals });
  }
  if (mode === 'as sent' && !mayWrite && kind === 'dma-buf')
    throw refusal(
      'it is a dma-buf that was opened for reading, and a store into its view would end this process: its sender must open or ' +
        "allocate it with O_RDWR; or take its descriptor another way, and importBuffer(fd, { mode: 'read' })",
      { code: 'EACCES' },
    );
  return mode === 'read' || !mayWrite;
}

function readDmaBuf(fd: BorrowedFd): FoundFile {
  const link = readDescriptorLink(fd);
  // The name alone proves nothing: another file may have the path "/dmabuf:x". Only the fdinfo of a
  // dma-buf has its fields.
  const info =
    link !== undefined && DMA_BUF_LINK.test(link)
      ? parseDmaBufFdinfo(fdinfoReader.read(`/proc/self/fdinfo/${fd}`))
      : undefined;
  if (info === undefined) {
    const file = link === undefined ? 'a file whose path is longer than a page' : quoteForeign(link);
    throw refusal(`it is neither a dma-buf nor a memfd, but ${file}`, { code: 'EINVAL', file });
  }
  return { kind: 'dma-buf', exporter: info.exporter, name: info.name ?? '', length: info.size };
}

function readMemfd(fd: BorrowedFd, { seals, pageSize }: { seals: number; pageSize: number }): FoundFile {
  if ((seals & F_SEAL_SHRINK) === 0) {
    throw refusal(
      'another holder of the memfd could shrink it: its sender must make it with MFD_ALLOW_SEALING and seal it with F_SEAL_SHRINK',
      { code: 'EINVAL', seals },
    );
  }
  const { stxBlksize: blksize, stxSize: size } = statusOf(fd);
  // Only files of huge pages, or of a tmpfs that may use them, have blocks larger than a page.
  if (blksize > pageSize && fileSystemTypeOf(fd) === HUGETLBFS_MAGIC)
    throw refusal('the memfd has huge pages, whose views would have to begin on one', { code: 'EINVAL' });
  return { kind: 'memfd', exporter: 'memfd', name: '', length: size };
}

/**
 * Any length up to the largest page table. A memfd may end within a page: its mapping goes to the
 * end of that page, whose bytes behind the file read as zero, are nobody's, and raise no SIGBUS
 * (man 2 mmap; mm/filemap.c, filemap_fault, which refuses whole pages behind the end alone). A
 * dma-buf is mapped up to its last whole page (drivers/dma-buf/dma-buf.c, dma_buf_mmap_internal).
 */
function lengthOf(file: FoundFile, { length: wanted }: FdUse, pageSize: ByteLength): ByteLength {
  const length: number = wanted ?? file.length;
  const wrong = whyNotAsLong(file, length, pageSize);
  if (wrong !== undefined) throw refusal(wrong, { code: 'EINVAL', length: file.length });
  const lengthMax = TABLE_PAGE_COUNT_MAX * pageSize;
  if (length <= lengthMax) return toByteLength(length);
  throw refusal(`its length of ${length} bytes is more than the ${lengthMax} that a buffer may have`, {
    code: 'EINVAL',
    length,
    lengthMax,
  });
}

function whyNotAsLong(file: FoundFile, length: number, pageSize: ByteLength): string | undefined {
  if (file.length === 0) return 'it is empty: its sender must give it its length before it is imported';
  if (length > file.length) return `it has ${file.length} bytes, and ${length} were asked for`;
  if (file.kind === 'memfd') return undefined;
  if (length !== file.length)
    return `a dma-buf is imported whole: it has ${file.length} bytes, and ${length} were asked for`;
  if (length % pageSize !== 0) return `it is a dma-buf of ${length} bytes, which are not whole pages of ${pageSize}`;
  return undefined;
}

function refusal(
  why: string,
  { code, ...values }: { code: 'EACCES' | 'EINVAL'; [name: string]: number | string },
): DmaBufError {
  return new DmaBufError(`Cannot import the buffer as ${why}`, { code, values });
}
