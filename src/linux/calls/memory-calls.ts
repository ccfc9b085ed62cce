import { REUSES_COLLECTED_RANGES } from '../../base/engine-memory.ts';
import { toAddress, toByteLength } from '../../base/quantities.ts';
import type { Address, ByteLength } from '../../base/quantities.ts';
import { KiB } from '../../base/sizes.ts';
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  F_GETFL,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_ACCMODE,
  SEEK_DATA,
  SEEK_HOLE,
} from '../../uapi/fcntl.ts';
import { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, MFD_ALLOW_SEALING, MFD_CLOEXEC } from '../../uapi/memfd.ts';
import {
  MADV_COLLAPSE,
  MADV_DONTNEED,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from '../../uapi/mman.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { checkFileSize, ResourceLimits } from './resource-limits.ts';

const READ_WRITE = PROT_READ | PROT_WRITE;

/**
 * The effect of a store into a file mapping. `shared`: it reaches the file. `private`: it goes into
 * a page of this process alone, which no longer follows the file from then on (MAP_PRIVATE).
 * `read-only`: it ends the process (SIGSEGV).
 */
export type StorePolicy = 'shared' | 'private' | 'read-only';

const MAPPED_AS: Readonly<Record<StorePolicy, { readonly protection: number; readonly flags: number }>> = {
  shared: { protection: READ_WRITE, flags: MAP_SHARED | MAP_NORESERVE },
  private: { protection: READ_WRITE, flags: MAP_PRIVATE | MAP_NORESERVE },
  'read-only': { protection: PROT_READ, flags: MAP_SHARED | MAP_NORESERVE },
};

/**
 * Whether an entry that a read fault made also serves later writes: see
 * {@link MemoryCalls.populate}.
 */
const READING_SUFFICES: Readonly<Record<StorePolicy, boolean>> = {
  shared: process.arch === 'x64',
  private: true,
  'read-only': true,
};

/**
 * How much the kernel maps at a read fault of the pages in memory: from the last multiple of it on,
 * within one mapping (mm/memory.c, do_fault_around; `fault_around_bytes`, unless debugfs changed
 * it).
 */
export const FAULT_AROUND_BYTES: number = 64 * KiB;

/** A range of a file, in bytes; both are multiples of the page size. */
export interface FileRange {
  readonly fd: BorrowedFd;
  readonly offset: number;
  readonly length: ByteLength;
}

/**
 * Ranges of one file, in bytes, in the order in which they are mapped. In parallel typed arrays: a
 * buffer of single pages has half a million ranges.
 */
export interface FileRuns {
  readonly count: number;
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
}

/** A range of this process's memory, in bytes; both are multiples of the page size. */
export interface MemoryRange {
  readonly address: Address;
  readonly length: ByteLength;
}

/**
 * The memory calls of this package, typed: a refusal is a {@link DmaBufError} with the kernel's
 * name for it.
 */
export class MemoryCalls extends CheckedCalls {
  readonly #limits = new ResourceLimits(this.raw);

  /** The bytes in a page: 4096 on x86-64, 4096, 16384 or 65536 on arm64. */
  pageSize(): ByteLength {
    return toByteLength(this.raw.getpagesize());
  }

  /**
   * A memfd of `length` bytes that can neither shrink nor grow nor be sealed further. No page is
   * committed yet (man 2 memfd_create).
   *
   * @throws {DmaBufError} `EFBIG` where RLIMIT_FSIZE forbids a file as large; as the kernel refuses
   */
  createSealedMemfd(name: string, length: ByteLength): OwnedFd {
    checkFileSize(this.#limits, length);
    const owned = this.createMemfd(name, length);
    try {
      // No seal against writing, which would forbid punching holes (man 2 fcntl, F_SEAL_WRITE).
      this.seal(owned.borrow(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    } catch (error) {
      owned.close();
      throw error;
    }
    return owned;
  }

  /** A memfd of `length` bytes that can still be sealed. No page is committed yet. */
  createMemfd(name: string, length: ByteLength): OwnedFd {
    const fd = this.checked('memfd_create', this.raw.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const owned = this.own(fd);
    try {
      this.checked('ftruncate', this.raw.ftruncate(fd, length), { length });
    } catch (error) {
      owned.close();
      throw error;
    }
    return owned;
  }

  /** Adds seals (`F_SEAL_*`) to a memfd, permanently and for every holder. */
  seal(fd: BorrowedFd, seals: number): void {
    this.checked('fcntl', this.raw.fcntl(fd, F_ADD_SEALS, seals), { seals });
  }

  /**
   * The seals of a memfd (`F_SEAL_*`). Undefined for a file of another kind: only memfds and files
   * on tmpfs have seals.
   */
  sealsOf(fd: BorrowedFd): number | undefined {
    const seals = this.raw.fcntl(fd, F_GET_SEALS, 0);
    return this.refusalOf(seals) === 'EINVAL' ? undefined : this.checked('fcntl', seals, { fd });
  }

  /** The access mode of an open file: `O_RDONLY`, `O_WRONLY` or `O_RDWR`. */
  accessModeOf(fd: BorrowedFd): number {
    return this.checked('fcntl', this.raw.fcntl(fd, F_GETFL, 0), { fd }) & O_ACCMODE;
  }

  /**
   * Maps a range of a file at an address of the kernel's choice, shared. Pages are committed when
   * touched.
   */
  mapFile(range: FileRange): Address {
    return this.#mmap(0, range, MAPPED_AS.shared);
  }

  /**
   * Maps a range of a file at `address`, replacing existing mappings. A failure may leave a hole:
   * call {@link mapZeros} over it then.
   */
  mapFileAt(address: Address, range: FileRange, stores: StorePolicy = 'shared'): void {
    const { protection, flags } = MAPPED_AS[stores];
    this.#mmap(address, range, { protection, flags: flags | MAP_FIXED });
  }

  /**
   * Maps runs of a file side by side from `address` on, replacing existing mappings:
   * {@link mapFileAt} for each, in one call of the addon (8,000 separate calls took 1.2 times as
   * long). A failure may leave a hole, and some runs mapped.
   */
  mapRunsAt(address: Address, fd: BorrowedFd, runs: FileRuns, stores: StorePolicy = 'shared'): void {
    const { protection, flags } = MAPPED_AS[stores];
    const { count, offsets, lengths } = runs;
    const result = this.raw.mapRuns(fd, address, offsets, lengths, count, protection, flags | MAP_FIXED);
    this.checked('mmap', result, { runCount: count });
  }

  /**
   * As {@link mapFileAt}, with every page committed and every page fault taken now. Not for private
   * mappings: the kernel would copy every page (mm/gup.c, populate_vma_page_range).
   */
  mapFileAtPopulated(address: Address, range: FileRange, stores: Exclude<StorePolicy, 'private'> = 'shared'): void {
    const { protection, flags } = MAPPED_AS[stores];
    // Otherwise the flags of mapFileAt: the kernel merges only mappings with equal flags.
    this.#mmap(address, range, { protection, flags: flags | MAP_FIXED | MAP_POPULATE });
  }

  /** Reserves addresses of the kernel's choice, without access. */
  reserve(length: ByteLength): Address {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    return toAddress(this.checked('mmap', this.raw.mmap(0, length, PROT_NONE, flags, -1, 0), { length }));
  }

  /**
   * Call it before files are mapped over memory of the engine, and {@link mapZeros} over the same
   * range when they are no longer needed: a thread may end in between.
   */
  holdWindow({ address, length }: MemoryRange): void {
    if (REUSES_COLLECTED_RANGES) this.raw.holdWindow(address, length);
  }

  /**
   * Maps private zeros over a range, replacing existing mappings. Pages are committed when touched.
   */
  mapZeros(range: MemoryRange): void {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    const { address, length } = range;
    this.checked('mmap', this.raw.mmap(address, length, READ_WRITE, flags, -1, 0), { length });
    if (REUSES_COLLECTED_RANGES) this.raw.releaseWindow(address, length);
  }

  unmap(range: MemoryRange): void {
    this.checked('munmap', this.raw.munmap(range.address, range.length), { length: range.length });
  }

  /**
   * Moves a shared file mapping's page-table entries to `target`, replacing existing mappings. The
   * source stays mapped, without entries (man 2 mremap, MREMAP_DONTUNMAP). False where the kernel
   * refuses: `target` may be a hole then.
   */
  movePageTables(source: MemoryRange, target: Address): boolean {
    const flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    return this.raw.mremap(source.address, source.length, source.length, flags, target) === target;
  }

  /**
   * Maps the file range of a shared mapping at another address too, replacing existing mappings.
   * Needs neither a descriptor nor the right to open the file: seals added since the mapping was
   * made do not apply (man 2 mremap, an old size of 0).
   */
  duplicateMapping(source: MemoryRange, target: Address): void {
    const flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    const { address, length } = source;
    this.checked('mremap', this.raw.mremap(address, 0, length, flags, target), { length });
  }

  /**
   * Faults in every page of a mapping: a shared one for writing, any other for reading. False where
   * the kernel refuses (before 5.14, or out of memory).
   *
   * Write faults would copy each page of a private mapping.
   *
   * On x86-64 read faults suffice. Their entries are writable, because shared memory has no
   * write-back to track, and one fault maps 16 pages (8 MiB in 0.44 ms, by write faults 1.2 ms).
   * arm64 makes clean entries read-only.
   */
  populate(range: MemoryRange, stores: StorePolicy = 'shared'): boolean {
    const advice = READING_SUFFICES[stores] ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
    return this.raw.madvise(range.address, range.length, advice) === 0;
  }

  /**
   * As {@link populate}, for committed memory: reads one byte of each range that the kernel maps
   * around a fault. Takes three quarters of the time of MADV_POPULATE_READ, which visits every page
   * again (256 MiB of 4 KiB pages: 10.8 and 14.0 ms of processor time; MADV_POPULATE_WRITE, page by
   * page, 39 ms).
   *
   * Missing and swapped-out pages fault when they are used. The file must not end before the
   * mapping: SIGBUS ends the process.
   *
   * @returns false where a write would fault again on an entry that a read made: see
   *   {@link populate}
   */
  touch(range: MemoryRange, stores: StorePolicy = 'shared'): boolean {
    if (!READING_SUFFICES[stores]) return false;
    this.raw.touch(range.address, range.length, FAULT_AROUND_BYTES);
    // The kernel's fault-around windows are aligned in addresses. So the end of an unaligned range
    // is left out.
    this.raw.touch(range.address + range.length - 1, 1, FAULT_AROUND_BYTES);
    return true;
  }

  /** Whether {@link touch} can make entries that serve writes, several at a time. */
  get mapsAroundFaults(): boolean {
    return READING_SUFFICES.shared;
  }

  /**
   * Makes the page-table entries of a shared mapping one at a time: a write fault maps the page
   * that it is for, and none around it (mm/memory.c, do_shared_fault). Ordinary pages only: a huge
   * one is mapped whole.
   *
   * @returns false where the kernel refuses: before 5.14, out of memory, or for memory whose driver
   *   makes the entries
   */
  populateByPage(range: MemoryRange): boolean {
    return this.raw.madvise(range.address, range.length, MADV_POPULATE_WRITE) === 0;
  }

  /** Drops the page-table entries of a shared file mapping. Its pages stay. */
  dropEntries(range: MemoryRange): void {
    this.checked('madvise', this.raw.madvise(range.address, range.length, MADV_DONTNEED), { length: range.length });
  }

  /**
   * Asks the kernel for huge pages when memory of a file is committed through this mapping, where
   * its settings allow them (man 2 madvise, MADV_HUGEPAGE). Committed pages stay as they are. A
   * refusal means ordinary pages.
   */
  adviseHugePages(range: MemoryRange): void {
    this.raw.madvise(range.address, range.length, MADV_HUGEPAGE);
  }

  /**
   * Turns committed pages of the range into huge pages now, regardless of the settings (man 2
   * madvise, MADV_COLLAPSE). False where the kernel cannot.
   */
  collapse(range: MemoryRange): boolean {
    return this.raw.madvise(range.address, range.length, MADV_COLLAPSE) === 0;
  }

  /**
   * Asks the kernel to commit and map ordinary pages only through this mapping (man 2 madvise,
   * MADV_NOHUGEPAGE).
   */
  refuseHugePages(range: MemoryRange): void {
    this.raw.madvise(range.address, range.length, MADV_NOHUGEPAGE);
  }

  fillZeros(range: MemoryRange): void {
    this.raw.memset(range.address, 0, range.length);
  }

  /**
   * Gives a range's pages back to the machine. It reads zeros afterwards, through every mapping.
   */
  punchHole(range: FileRange): void {
    const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    const { fd, offset, length } = range;
    this.checked('fallocate', this.raw.fallocate(fd, mode, offset, length), { offset, length });
  }

  /**
   * The first committed range at or after `offset`: pages in memory or swapped out. Undefined if
   * there is none.
   */
  nextData(fd: BorrowedFd, offset: number): { start: number; end: number } | undefined {
    const start = this.raw.lseek(fd, offset, SEEK_DATA);
    if (this.refusalOf(start) === 'ENXIO') return undefined;
    this.checked('lseek', start, { offset });
    const end = this.checked('lseek', this.raw.lseek(fd, start, SEEK_HOLE), { offset: start });
    return { start, end };
  }

  #mmap(address: number, range: FileRange, { protection, flags }: { protection: number; flags: number }): Address {
    const { fd, offset, length } = range;
    const result = this.raw.mmap(address, length, protection, flags, fd, offset);
    if (result < 0) throw this.error('mmap', result, { offset, length });
    return result as Address;
  }
}
