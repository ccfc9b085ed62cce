import { readSync, writeSync } from 'node:fs';

import { assert } from '../../base/assert.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { toAddress, toByteLength } from '../../base/quantities.ts';
import type { Address, ByteLength, PageCount, Pfn } from '../../base/quantities.ts';
import { KiB } from '../../base/sizes.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/calls/fd.ts';
import { committedBytesOf, inodeOf } from '../../linux/calls/file-status.ts';
import type { FileRuns, MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { PteBorrowing } from '../../mapping/memory-source.ts';
import { HugeBlocks } from './huge-blocks.ts';
import type { PageRange } from './huge-blocks.ts';

/**
 * The shortest run whose page-table entries are moved. Moving takes 7 µs each way, mapping again 2
 * µs and 0.2 to 0.5 µs per touched page. (8 MiB of mix fragmented take 12 ms from allocate to close
 * with moves of every run, 6 ms without.)
 */
const LENT_RUN_BYTES_MIN: number = 128 * KiB;

/**
 * The state of a page: free and zero, free with old contents, or owned. An owned page may also have
 * been written directly, not by its owner.
 */
const CLEAN = 0;
const DIRTY = 1;
const OWNED = 2;
const OWNED_WRITTEN = 3;

/** The size of an arena, and its kind of pages. */
export interface ArenaSize {
  readonly pageCount: PageCount;
  readonly pageSize: ByteLength;
  /** The largest huge pages that its buffers ask for, in bytes. */
  readonly hugePageBytes?: number | undefined;
  /**
   * Whether its memory must be ordinary pages, regardless of the machine's settings. Default:
   * false.
   */
  readonly hugePagesRefused?: boolean;
}

/**
 * The embedded heap's physical memory: one sealed memfd, in which page n is pfn n. A page is
 * committed when it is first touched. Freed pages may stay committed, with their old contents. They
 * are dirty until they are wiped for their next owner or given back.
 */
export class Arena {
  readonly pageSize: ByteLength;
  readonly pageCount: PageCount;
  readonly fd: OwnedFd;
  /** The inode that mappings of the arena show in `/proc/PID/maps`. */
  readonly inode: number;
  /**
   * The heap's own mapping of the whole arena. Pages are wiped through it, and it lends its
   * page-table entries to windows.
   */
  readonly arenaAddress: Address;
  readonly #calls: MemoryCalls;
  /** Whether windows may borrow page-table entries of the home mapping. */
  readonly pteBorrowing: PteBorrowing;
  /** By pfn. */
  readonly #states: Uint8Array;
  readonly #blocks: HugeBlocks;
  #dirtyPageCount = 0;
  #homeMapped = true;

  constructor(calls: MemoryCalls, size: ArenaSize) {
    const { pageCount, pageSize, hugePageBytes } = size;
    this.#calls = calls;
    this.pageCount = pageCount;
    this.pageSize = pageSize;
    this.#blocks = new HugeBlocks(pageCount, (hugePageBytes ?? pageSize) / pageSize);
    this.#states = new Uint8Array(pageCount);
    const length = this.#length;
    const opened = withCleanup((cleanup) => {
      const fd = calls.createSealedMemfd('dmabuf-arena', length);
      cleanup.defer(() => fd.close());
      const arenaAddress = calls.mapFile({ fd: fd.borrow(), offset: 0, length });
      cleanup.defer(() => calls.unmap({ address: arenaAddress, length }));
      // Otherwise entries that a window has borrowed would return in a mapping that is not merged
      // into this one.
      if (size.hugePagesRefused === true) calls.refuseHugePages({ address: arenaAddress, length });
      return {
        fd,
        arenaAddress,
        allowed: canMovePageTables(calls, fd.borrow(), pageSize),
        inode: inodeOf(fd.borrow()),
      };
    });
    this.fd = opened.fd;
    this.arenaAddress = opened.arenaAddress;
    this.pteBorrowing = { allowed: opened.allowed, runBytesMin: LENT_RUN_BYTES_MIN };
    this.inode = opened.inode;
  }

  /** Committed pages without an owner. */
  get cachedBytes(): number {
    return this.#dirtyPageCount * this.pageSize;
  }

  /** All committed pages, cached ones and those of living buffers. */
  get committedBytes(): number {
    return committedBytesOf(this.fd.borrow());
  }

  /** How many pages of `runs` are already committed, and only need wiping. */
  countDirtyPages(runs: FileRuns): number {
    let count = 0;
    this.#forEachDirtyRange(runs, (firstPage, endPage) => {
      count += endPage - firstPage;
    });
    return count;
  }

  /**
   * Gives back pages from places where a buffer of `runs` could have huge pages, if ordinary ones
   * may lie there: the kernel puts no huge page among them.
   *
   * @param hugeLength how many bytes of the buffer, from its start, may come in huge pages
   */
  makeRoomForHugePages(runs: FileRuns, hugeLength: number): void {
    this.#forEachHugeRun(runs, hugeLength, (range) => {
      this.#blocks.forEachSplitBlock(range, ({ firstPage, endPage }) => {
        this.#tryGiveBack(firstPage * this.pageSize, endPage * this.pageSize);
      });
    });
  }

  /**
   * Gives the pages of `runs` to an owner. Zeroes the dirty ones. The others are already zero, and
   * stay uncommitted.
   *
   * @param hugeLength how many bytes of the buffer, from its start, may come in huge pages
   */
  assign(runs: FileRuns, hugeLength: number): void {
    this.#forEachDirtyRange(runs, (firstPage, endPage) => {
      const address = toAddress(this.arenaAddress + firstPage * this.pageSize);
      this.#calls.fillZeros({ address, length: toByteLength((endPage - firstPage) * this.pageSize) });
      this.#markClean(firstPage, endPage);
    });
    let bytesBefore = 0;
    this.#forEachRun(runs, (firstPage, endPage) => {
      this.#states.fill(OWNED, firstPage, endPage);
      this.#blocks.own({ firstPage, endPage }, firstPage + (hugeLength - bytesBefore) / this.pageSize);
      bytesBefore += (endPage - firstPage) * this.pageSize;
    });
  }

  /**
   * Takes pages back from their owner. Up to `cachedBytesMax` of cached memory in all stays
   * committed, and the rest goes back to the machine. If the kernel refuses that, the pages stay.
   *
   * When the last owned page of a huge page's place is freed, everything committed there counts as
   * cached, or goes back. The kernel may have committed untouched pages, or have kept pages that
   * were given back.
   *
   * @param limits.touched whether the owner had mapped the pages, or some were wiped for it.
   *   Otherwise only pages written directly are committed
   */
  reclaim(runs: FileRuns, limits: { touched: boolean; cachedBytesMax: number }): void {
    this.#forEachRun(runs, (firstPage, endPage) => {
      this.#disown(firstPage, endPage);
      this.#blocks.disown({ firstPage, endPage });
      const freed = this.#blocks.withBlocksOf({ firstPage, endPage });
      const isMore = freed.endPage - freed.firstPage > endPage - firstPage;
      if (!limits.touched && !isMore) return;
      this.#forEachCommittedRange(freed.firstPage * this.pageSize, freed.endPage * this.pageSize, (start, end) => {
        this.#markDirty(start / this.pageSize, end / this.pageSize);
        if (this.cachedBytes > limits.cachedBytesMax) this.#tryGiveBack(start, end);
      });
    });
  }

  /** Gives back every cached page. */
  giveBackCachedPages(): void {
    const end = this.pageCount * this.pageSize;
    const whole = { count: 1, offsets: new Float64Array([0]), lengths: new Float64Array([end]) };
    this.#forEachDirtyRange(whole, (firstPage, endPage) => {
      this.#tryGiveBack(firstPage * this.pageSize, endPage * this.pageSize);
    });
  }

  /**
   * A copy of the contents of page `pfn`, read through the file and not through a mapping. Does not
   * commit the page.
   */
  readPage(pfn: Pfn): Uint8Array {
    const bytes = new Uint8Array(this.pageSize);
    const count = readSync(this.fd.borrow(), bytes, 0, bytes.length, pfn * this.pageSize);
    assert(count === this.pageSize, 'An arena has whole pages');
    return bytes;
  }

  /**
   * Writes from the start of page `pfn` on, through the file. The page is zeroed for its next owner
   * in any case.
   */
  writePage(pfn: Pfn, bytes: Uint8Array): void {
    assert(bytes.length <= this.pageSize, 'What is written stays within the page');
    if (this.#states[pfn] === OWNED) this.#states[pfn] = OWNED_WRITTEN;
    else if (this.#states[pfn] === CLEAN) this.#markDirty(pfn, pfn + 1);
    writeSync(this.fd.borrow(), bytes, 0, bytes.length, pfn * this.pageSize);
  }

  /** Whether the arena is usable: true until {@link close} has begun. */
  get isWhole(): boolean {
    return this.#homeMapped;
  }

  /** Can be called again after it threw. */
  close(): void {
    if (this.#homeMapped) this.#calls.unmap({ address: this.arenaAddress, length: this.#length });
    // Cleared at once: by the next attempt, other memory may be mapped there.
    this.#homeMapped = false;
    this.fd.close();
  }

  get #length(): ByteLength {
    return toByteLength(this.pageCount * this.pageSize);
  }

  /**
   * Asks the file rather than `mincore`, which reports a swapped-out page as absent (mm/mincore.c,
   * mincore_page): that page would keep its old contents for the next owner. SEEK_DATA counts it as
   * data (mm/filemap.c, folio_seek_hole_data).
   */
  #forEachCommittedRange(start: number, end: number, visit: (start: number, end: number) => void): void {
    for (let position = start; position < end;) {
      const data = this.#nextCommitted(position, end);
      if (data === undefined || data.start >= end) return;
      visit(data.start, Math.min(data.end, end));
      position = data.end;
    }
  }

  /**
   * If the kernel refuses, everything up to `end` counts as committed, which at worst wipes too
   * much.
   */
  #nextCommitted(position: number, end: number): { start: number; end: number } | undefined {
    try {
      return this.#calls.nextData(this.fd.borrow(), position);
    } catch (error) {
      if (isDmaBufError(error)) return { start: position, end };
      throw error;
    }
  }

  #forEachRun(runs: FileRuns, visit: (firstPage: number, endPage: number) => void): void {
    for (let index = 0; index < runs.count; index += 1) {
      const firstPage = (runs.offsets[index] as number) / this.pageSize;
      visit(firstPage, firstPage + (runs.lengths[index] as number) / this.pageSize);
    }
  }

  /** The part of each run that lies within the first `hugeLength` bytes of the buffer. */
  #forEachHugeRun(runs: FileRuns, hugeLength: number, visit: (range: PageRange) => void): void {
    let left = hugeLength / this.pageSize;
    for (let index = 0; index < runs.count && left > 0; index += 1) {
      const firstPage = (runs.offsets[index] as number) / this.pageSize;
      const pageCount = Math.min(left, (runs.lengths[index] as number) / this.pageSize);
      visit({ firstPage, endPage: firstPage + pageCount });
      left -= pageCount;
    }
  }

  #forEachDirtyRange(runs: FileRuns, visit: (firstPage: number, endPage: number) => void): void {
    if (this.#dirtyPageCount === 0) return;
    this.#forEachRun(runs, (firstPage, endPage) => {
      let page = this.#skip(firstPage, endPage, (state) => state !== DIRTY);
      while (page < endPage) {
        const end = this.#skip(page, endPage, (state) => state === DIRTY);
        visit(page, end);
        page = this.#skip(end, endPage, (state) => state !== DIRTY);
      }
    });
  }

  /** The first page from `page` on whose state is not to be skipped, or `endPage`. */
  #skip(page: number, endPage: number, isSkipped: (state: number) => boolean): number {
    let found = page;
    while (found < endPage && isSkipped(this.#states[found] as number)) found += 1;
    return found;
  }

  #disown(firstPage: number, endPage: number): void {
    for (let page = firstPage; page < endPage; page += 1) {
      const isWritten = this.#states[page] === OWNED_WRITTEN;
      this.#states[page] = isWritten ? DIRTY : CLEAN;
      if (isWritten) this.#dirtyPageCount += 1;
    }
  }

  #tryGiveBack(start: number, end: number): void {
    try {
      this.#calls.punchHole({ fd: this.fd.borrow(), offset: start, length: toByteLength(end - start) });
    } catch {
      // The pages stay committed and dirty, and are wiped for the next owner.
      return;
    }
    this.#markClean(start / this.pageSize, end / this.pageSize);
    this.#blocks.gaveBack({ firstPage: start / this.pageSize, endPage: end / this.pageSize });
  }

  #markDirty(firstPage: number, endPage: number): void {
    for (let page = firstPage; page < endPage; page += 1) {
      if (this.#states[page] === CLEAN) this.#dirtyPageCount += 1;
      this.#states[page] = DIRTY;
    }
  }

  #markClean(firstPage: number, endPage: number): void {
    for (let page = firstPage; page < endPage; page += 1) {
      if (this.#states[page] === DIRTY) this.#dirtyPageCount -= 1;
      this.#states[page] = CLEAN;
    }
  }
}

/**
 * Kernels 5.7 to 5.12 refuse to move a shared file's page-table entries, but unmap the target first
 * (mm/mremap.c, mremap_to). Another thread could map into that hole in a window. So it is tried
 * once, on mappings that no other code knows.
 */
function canMovePageTables(calls: MemoryCalls, fd: BorrowedFd, pageSize: ByteLength): boolean {
  const pair = toByteLength(2 * pageSize);
  return withCleanup((cleanup) => {
    const address = calls.mapFile({ fd, offset: 0, length: pair });
    const unmap = (): void => calls.unmap({ address, length: pair });
    cleanup.defer(unmap);
    const moved = calls.movePageTables({ address, length: pageSize }, toAddress(address + pageSize));
    unmap();
    return moved;
  });
}
