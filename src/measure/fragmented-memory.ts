/** Puts the machine's own memory into a state in which a heap finds only small pieces. */

import { writeFileSync } from 'node:fs';

import { openHeap } from '../backend/open-heap.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { toAddress, toByteLength } from '../base/quantities.ts';
import type { Address, ByteLength } from '../base/quantities.ts';
import { formatSize, GiB, MiB } from '../base/sizes.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import { readAvailableMemory, readMachineMemory } from '../linux/proc/available-memory.ts';
import { readFreeBlockCounts } from '../linux/proc/free-blocks.ts';
import { readPagemap } from '../linux/proc/pagemap.ts';
import { readOptionalSystemFile, withFileErrors } from '../linux/proc/system-file.ts';

/** Memory that is held so that the free memory consists of small pieces. */
interface FragmentedMemory {
  readonly heldBytes: number;
  /** Gives it back. */
  close(): void;
}

/** Every second page is freed. In each group of this many consecutive pages … */
const GROUP_PAGES = 64;
/** … all of the first this many may be freed, a block of order 4 … */
const BLOCK_PAGES = 16;
/** … until blocks make up this share of the buffer. The heap takes them first. */
const BLOCK_SHARE = 1 / 2;
/**
 * More than the buffer is freed: the kernel keeps a reserve that heaps cannot use, and takes pages
 * for itself. With 160 MiB a machine of 3 GiB ran out now and then: it had raised its reserve by
 * 100 MiB, and 118 MiB were in lists of its processors.
 */
const FREED_PER_LENGTH = 1.05;
const FREED_BESIDES_BYTES: number = 256 * MiB;
/** Orders from 8 up, which the heap would take first. */
const LARGE_ORDER = 8;
/** The memory left for other programs. */
const LEFT_FREE_BYTES: number = 96 * MiB;
/** A machine with more memory than this has other uses, which would lack it. */
const AVAILABLE_BYTES_MAX: number = 8 * GiB;
const SLICE_PAGES = 4096;
const COMPACTION_FILE = '/proc/sys/vm/compaction_proactiveness';
/**
 * One block of order 8: in a larger buffer, one refusal of such a block makes the heap take small
 * ones for the rest.
 */
const PIECE_BYTES: number = MiB;
/**
 * The kernel holds large blocks back for a moment after it has mixed page types (mm/page_alloc.c,
 * boost_watermark).
 */
const REFUSALS_MAX = 50;
const REFUSAL_PAUSE_MS = 5;

const ACTION = 'fragment the memory';

/**
 * Takes single pages and frees every second one, and as many blocks of 16 as make up half of a
 * buffer of `length` bytes. Then takes all larger free blocks that the kernel gives.
 *
 * @throws {DmaBufError} `ENOMEM` where there is too little memory; `EPERM` where this process
 *   cannot see its pfns; `ENODEV` where the kernel's system heap, which takes the larger blocks,
 *   does not open; `EOPNOTSUPP` on a machine that needs its memory for other uses
 */
export function fragmentMemory(length: ByteLength): FragmentedMemory {
  const calls = new MemoryCalls();
  const freedBytes = length * FREED_PER_LENGTH + FREED_BESIDES_BYTES;
  const takenBytes = toByteLength(Math.ceil((2 * freedBytes) / MiB) * MiB);
  checkMemory(takenBytes);
  return withCleanup((cleanup) => {
    const resumeCompaction = stopCompaction();
    cleanup.defer(resumeCompaction);
    const blocks = new LargeBlocks();
    cleanup.defer(() => blocks.close());
    const pattern = new PagesInPattern(calls, takenBytes);
    cleanup.defer(() => pattern.close());
    pattern.freeByPattern(Math.floor((length * BLOCK_SHARE) / (BLOCK_PAGES * calls.pageSize())));
    blocks.takeAll(length * FREED_PER_LENGTH);
    return {
      heldBytes: pattern.heldBytes + blocks.heldBytes,
      close: () => {
        const steps = [() => pattern.close(), () => blocks.close(), resumeCompaction];
        runAllSteps(steps, `Cannot undo what it took to ${ACTION}`);
      },
    };
  });
}

/**
 * In fragmented memory the kernel compacts pages twice a second
 * (Documentation/admin-guide/sysctl/vm.rst, compaction_proactiveness). It would fill the freed
 * pages with pages of others, whose former places become large blocks.
 *
 * @returns a function that restores the setting
 */
function stopCompaction(): () => void {
  const before = readOptionalSystemFile(COMPACTION_FILE)?.trim();
  if (before === undefined) return () => {};
  const write = (text: string): void =>
    withFileErrors('write', COMPACTION_FILE, () => writeFileSync(COMPACTION_FILE, text));
  try {
    write('0');
  } catch (cause) {
    if (!isDmaBufError(cause)) throw cause;
    throw new DmaBufError(
      `Cannot ${ACTION} as only root may keep the kernel from moving pages together meanwhile: run this as root`,
      { code: 'EPERM', cause },
    );
  }
  return () => write(before);
}

function checkMemory(takenBytes: number): void {
  const { bytes } = readAvailableMemory();
  if (bytes > AVAILABLE_BYTES_MAX)
    throw new DmaBufError(
      `Cannot ${ACTION} as nearly all of it is taken for that while, and a machine with ${formatSize(bytes)} has other uses for it: ` +
        `run this on one with at most ${formatSize(AVAILABLE_BYTES_MAX)} available, such as a guest`,
      { code: 'EOPNOTSUPP', values: { availableBytes: bytes, max: AVAILABLE_BYTES_MAX } },
    );
  if (takenBytes + LEFT_FREE_BYTES <= bytes) return;
  throw new DmaBufError(
    `Cannot ${ACTION} as ${formatSize(takenBytes)} are taken for that, ${formatSize(LEFT_FREE_BYTES)} stay free, and ` +
      `${formatSize(bytes)} are available: take a smaller size`,
    { code: 'ENOMEM', values: { takenBytes, availableBytes: bytes } },
  );
}

/** Pages of a memfd, some of which are freed depending on their pfns. */
class PagesInPattern {
  readonly #calls: MemoryCalls;
  readonly #pageSize: ByteLength;
  readonly #length: ByteLength;
  readonly #memfd: OwnedFd;
  readonly #address: Address;
  /** The first page of each group whose leading pages are all freed. */
  readonly #blocks = new Set<number>();
  #freedPages = 0;

  constructor(calls: MemoryCalls, length: ByteLength) {
    this.#calls = calls;
    this.#pageSize = calls.pageSize();
    this.#length = length;
    this.#memfd = calls.createSealedMemfd('dmabuf-fragments', length);
    this.#address = calls.mapFile({ fd: this.#memfd.borrow(), offset: 0, length });
  }

  get heldBytes(): number {
    return this.#length - this.#freedPages * this.#pageSize;
  }

  /** Commits every page, reads its pfn, and frees it or not depending on that. */
  freeByPattern(blockCount: number): void {
    const memory = { address: this.#address, length: this.#length };
    if (!this.#calls.populate(memory))
      throw new DmaBufError(
        `Cannot ${ACTION} as the kernel does not commit ${formatSize(this.#length)} (Linux 5.14 or later does)`,
        {
          code: 'ENOMEM',
          syscall: 'madvise',
        },
      );
    const pageCount = this.#length / this.#pageSize;
    for (let first = 0; first < pageCount; first += SLICE_PAGES)
      this.#freeSlice(first, Math.min(SLICE_PAGES, pageCount - first), blockCount);
  }

  close(): void {
    this.#calls.unmap({ address: this.#address, length: this.#length });
    this.#memfd.close();
  }

  #freeSlice(first: number, pageCount: number, blockCount: number): void {
    const pageSize = this.#pageSize;
    const address = toAddress(this.#address + first * pageSize);
    const entries = readPagemap({ address, pageCount, pageSize });
    entries.forEach((entry, index) => {
      if (entry.state === 'hidden')
        throw new DmaBufError(
          `Cannot ${ACTION} as where pages lie is told only to root: run this as root (CAP_SYS_ADMIN, outside of containers)`,
          { code: 'EPERM' },
        );
      if (entry.state !== 'present' || !this.#isToBeFree(entry.pfn, blockCount)) return;
      this.#calls.punchHole({ fd: this.#memfd.borrow(), offset: (first + index) * pageSize, length: pageSize });
      this.#freedPages += 1;
    });
  }

  #isToBeFree(pfn: number, blockCount: number): boolean {
    const place = pfn % GROUP_PAGES;
    if (place % 2 === 1) return true;
    if (place >= BLOCK_PAGES) return false;
    const first = pfn - place;
    if (this.#blocks.size < blockCount) this.#blocks.add(first);
    return this.#blocks.has(first);
  }
}

/**
 * The large blocks of the machine's memory, as buffers of the kernel's own heap, which takes the
 * largest first.
 */
class LargeBlocks {
  readonly #heap = openHeap('system', { backends: ['kernel'] });
  readonly #buffers: DmaBuf[] = [];

  get heldBytes(): number {
    return this.#buffers.reduce((sum, { length }) => sum + length, 0);
  }

  /** @param bytesLeft the part of the machine's memory to leave free */
  takeAll(bytesLeft: number): void {
    let refusals = 0;
    while (refusals < REFUSALS_MAX && readMachineMemory().bytes - PIECE_BYTES >= bytesLeft) {
      if (this.#freeBytes() < PIECE_BYTES) return;
      if (this.#take()) {
        refusals = 0;
      } else {
        refusals += 1;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REFUSAL_PAUSE_MS);
      }
    }
  }

  close(): void {
    const buffers = this.#buffers.splice(0);
    runAllSteps(
      [...buffers.map((buffer) => () => buffer.close()), () => this.#heap.close()],
      'Several buffers could not be closed',
    );
  }

  /**
   * False when the heap took small blocks: some large ones are never available to heaps, or not
   * now.
   */
  #take(): boolean {
    const before = this.#freeBytes();
    const buffer = this.#allocate();
    if (buffer === undefined) return false;
    if (this.#freeBytes() < before) {
      this.#buffers.push(buffer);
      return true;
    }
    buffer.close();
    return false;
  }

  #allocate(): DmaBuf | undefined {
    try {
      return this.#heap.allocate(PIECE_BYTES);
    } catch (error) {
      if (isDmaBufError(error, 'ENOMEM')) return undefined;
      throw error;
    }
  }

  #freeBytes(): number {
    const { pageSize } = this.#heap;
    return readFreeBlockCounts().reduce(
      (sum, count, order) => (order < LARGE_ORDER ? sum : sum + count * 2 ** order * pageSize),
      0,
    );
  }
}
