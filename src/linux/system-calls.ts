import { toByteLength } from '../base/quantities.ts';
import type { Address, ByteLength } from '../base/quantities.ts';
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  F_GETFL,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_ACCMODE,
  SEEK_DATA,
  SEEK_HOLE,
} from '../uapi/fcntl.ts';
import { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, MFD_ALLOW_SEALING, MFD_CLOEXEC } from '../uapi/memfd.ts';
import {
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
  PROT_READ,
  PROT_WRITE,
} from '../uapi/mman.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';

const READ_WRITE = PROT_READ | PROT_WRITE;

/** A stretch of a file, in bytes; both are multiples of the page size. */
export interface FileStretch {
  readonly fd: BorrowedFd;
  readonly offset: number;
  readonly length: ByteLength;
}

/** A stretch of this process's memory, in bytes; both are multiples of the page size. */
export interface MemoryStretch {
  readonly address: Address;
  readonly length: ByteLength;
}

/** The system calls of this package, typed: a refusal is a {@link DmaBufError} with the kernel's name for it. */
export class SystemCalls extends CheckedCalls {
  /** The bytes in a page: 4096 on x86-64, 4096, 16384 or 65536 on arm64. */
  pageSize(): ByteLength {
    return toByteLength(this.raw.getpagesize());
  }

  /** A memfd of `length` bytes that can neither shrink, grow nor be sealed further. None of it is committed yet (man 2 memfd_create). */
  createSealedMemfd(name: string, length: ByteLength): OwnedFd {
    const fd = this.checked('memfd_create', this.raw.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const owned = this.own(fd);
    try {
      this.checked('ftruncate', this.raw.ftruncate(fd, length), { length });
      // Not against write: holes could not be punched then (man 2 fcntl, F_SEAL_WRITE).
      this.checked('fcntl', this.raw.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    } catch (error) {
      owned.close();
      throw error;
    }
    return owned;
  }

  /** Which seals a memfd has (`F_SEAL_*`). A file of another kind refuses with `EINVAL`. */
  sealsOf(fd: BorrowedFd): number {
    return this.checked('fcntl', this.raw.fcntl(fd, F_GET_SEALS, 0), { fd });
  }

  /** How a file was opened: `O_RDONLY`, `O_WRONLY` or `O_RDWR`. */
  accessModeOf(fd: BorrowedFd): number {
    return this.checked('fcntl', this.raw.fcntl(fd, F_GETFL, 0), { fd }) & O_ACCMODE;
  }

  /** Maps a stretch of a file where the kernel finds room. Pages are committed when touched. */
  mapFile(stretch: FileStretch): Address {
    return this.#mmap(0, stretch, MAP_SHARED | MAP_NORESERVE);
  }

  /** Maps a stretch of a file over `address`, replacing what is mapped there. A failure may leave a hole: {@link mapZeros} over it. */
  mapFileAt(address: Address, stretch: FileStretch): void {
    this.#mmap(address, stretch, MAP_SHARED | MAP_FIXED | MAP_NORESERVE);
  }

  /** As {@link mapFileAt}, with every page committed and no page fault left. */
  mapFileAtPopulated(address: Address, stretch: FileStretch): void {
    // The flags of mapFileAt otherwise: the kernel merges only mappings that are alike.
    this.#mmap(address, stretch, MAP_SHARED | MAP_FIXED | MAP_NORESERVE | MAP_POPULATE);
  }

  /** Maps private zeros over a stretch of memory, whatever was mapped there. Nothing is committed until touched. */
  mapZeros(stretch: MemoryStretch): void {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    const { address, length } = stretch;
    this.checked('mmap', this.raw.mmap(address, length, READ_WRITE, flags, -1, 0), { length });
  }

  unmap(stretch: MemoryStretch): void {
    this.checked('munmap', this.raw.munmap(stretch.address, stretch.length), { length: stretch.length });
  }

  /**
   * Moves a shared file mapping's page-table entries over `target`, replacing what is mapped there; the source stays mapped,
   * with no entries (man 2 mremap, MREMAP_DONTUNMAP). False where the kernel refuses: `target` may then be a hole.
   */
  movePageTables(source: MemoryStretch, target: Address): boolean {
    const flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    return this.raw.mremap(source.address, source.length, source.length, flags, target) === target;
  }

  /**
   * Faults every page of a shared mapping in, writable. False where the kernel refuses (before 5.14, or no memory left).
   *
   * On x86-64 reading faults suffice: an entry made by one is writable, as shared memory has no write-back to track, and they
   * come 16 pages at a time (8 MiB in 0.44 ms, by writing 1.2 ms). arm64 makes clean entries read-only.
   */
  populate(stretch: MemoryStretch): boolean {
    const advice = process.arch === 'x64' ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
    return this.raw.madvise(stretch.address, stretch.length, advice) === 0;
  }

  fillZeros(stretch: MemoryStretch): void {
    this.raw.memset(stretch.address, 0, stretch.length);
  }

  /** Gives a stretch's pages back to the machine: it reads zeros afterwards, through every mapping. */
  punchHole(stretch: FileStretch): void {
    const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    const { fd, offset, length } = stretch;
    this.checked('fallocate', this.raw.fallocate(fd, mode, offset, length), { offset, length });
  }

  /** The first committed stretch at or after `offset`: pages in memory or swapped out. None: undefined. */
  nextData(fd: BorrowedFd, offset: number): { start: number; end: number } | undefined {
    const start = this.raw.lseek(fd, offset, SEEK_DATA);
    if (start < 0) {
      if (this.errno() === 'ENXIO') return undefined;
      throw this.error('lseek', { offset });
    }
    const end = this.checked('lseek', this.raw.lseek(fd, start, SEEK_HOLE), { offset: start });
    return { start, end };
  }

  /** Called once a run: builds nothing but on failure. */
  #mmap(address: number, stretch: FileStretch, flags: number): Address {
    const { fd, offset, length } = stretch;
    const result = this.raw.mmap(address, length, READ_WRITE, flags, fd, offset);
    if (result === -1) throw this.error('mmap', { offset, length });
    return result as Address;
  }
}
