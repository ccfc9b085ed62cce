import { readSync, writeSync } from 'node:fs';

import { assert } from '../../base/assert.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { toAddress, toByteLength } from '../../base/quantities.ts';
import type { Address, ByteLength, PageCount, Pfn } from '../../base/quantities.ts';
import { KiB } from '../../base/sizes.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/fd.ts';
import { committedBytesOf, inodeOf } from '../../linux/file-status.ts';
import type { SystemCalls } from '../../linux/system-calls.ts';
import type { FileRuns, PageTableLending } from '../../mapping/memory-source.ts';

/**
 * Moving a run's page-table entries takes 7 µs each way, mapping it anew 2 µs and 0.2 to 0.5 µs for each page touched: below this
 * length moving costs more than it saves. (8 MiB of mix D, with moves of every run 12 ms from allocate to close, without 6 ms.)
 */
const LENT_RUN_BYTES_MIN: number = 128 * KiB;

/** What the heap knows of a page: free and zero, free with old contents, or owned; an owned one may have been written past its owner. */
const CLEAN = 0;
const DIRTY = 1;
const OWNED = 2;
const OWNED_WRITTEN = 3;

/**
 * The embedded heap's physical memory: one sealed memfd, in which page n is pfn n. A page is committed when it is first
 * touched. Freed pages may stay committed, with their old contents: they are dirty until they are wiped for their next owner
 * or their memory is given back.
 */
export class Arena {
  readonly pageSize: ByteLength;
  readonly pageCount: PageCount;
  readonly fd: OwnedFd;
  /** The inode that mappings of the arena show in `/proc/PID/maps`. */
  readonly inode: number;
  /** The whole arena, mapped for the heap itself: through it pages are wiped, and it lends windows its page-table entries. */
  readonly homeAddress: Address;
  readonly #calls: SystemCalls;
  /** Whether windows may borrow page-table entries of the home mapping. */
  readonly lending: PageTableLending;
  /** By pfn. */
  readonly #states: Uint8Array;
  #dirtyPageCount = 0;
  #homeMapped = true;

  constructor(calls: SystemCalls, pageCount: PageCount, pageSize: ByteLength) {
    this.#calls = calls;
    this.pageCount = pageCount;
    this.pageSize = pageSize;
    this.#states = new Uint8Array(pageCount);
    const length = this.#length;
    const opened = withCleanup((cleanup) => {
      const fd = calls.createSealedMemfd('dmabuf-arena', length);
      cleanup.defer(() => fd.close());
      const homeAddress = calls.mapFile({ fd: fd.borrow(), offset: 0, length });
      cleanup.defer(() => calls.unmap({ address: homeAddress, length }));
      return { fd, homeAddress, allowed: canMovePageTables(calls, fd.borrow(), pageSize), inode: inodeOf(fd.borrow()) };
    });
    this.fd = opened.fd;
    this.homeAddress = opened.homeAddress;
    this.lending = { allowed: opened.allowed, runBytesMin: LENT_RUN_BYTES_MIN };
    this.inode = opened.inode;
  }

  /** Committed pages without an owner. */
  get warmBytes(): number {
    return this.#dirtyPageCount * this.pageSize;
  }

  /** All committed pages, warm ones and those of living buffers. */
  get committedBytes(): number {
    return committedBytesOf(this.fd.borrow());
  }

  /** How many pages of `runs` are committed already, and only need wiping. */
  countDirtyPages(runs: FileRuns): number {
    let count = 0;
    this.#forEachDirtyStretch(runs, (firstPage, endPage) => {
      count += endPage - firstPage;
    });
    return count;
  }

  /** Hands the pages of `runs` to an owner. The dirty ones are zeroed; the others are zero already, and stay uncommitted. */
  handOut(runs: FileRuns): void {
    this.#forEachDirtyStretch(runs, (firstPage, endPage) => {
      const address = toAddress(this.homeAddress + firstPage * this.pageSize);
      this.#calls.fillZeros({ address, length: toByteLength((endPage - firstPage) * this.pageSize) });
      this.#markClean(firstPage, endPage);
    });
    this.#forEachRun(runs, (firstPage, endPage) => this.#states.fill(OWNED, firstPage, endPage));
  }

  /**
   * Takes pages back from their owner. Up to `warmBytesMax` of warm memory in all stays committed, the rest is given back to
   * the machine. A refusal of the kernel's only means that pages stay.
   *
   * @param limits.touched whether the owner had them mapped: else only what was written past the owner is dirty
   */
  takeBack(runs: FileRuns, limits: { touched: boolean; warmBytesMax: number }): void {
    this.#forEachRun(runs, (firstPage, endPage) => {
      this.#disown(firstPage, endPage);
      if (!limits.touched) return;
      this.#forEachCommittedStretch(firstPage * this.pageSize, endPage * this.pageSize, (start, end) => {
        this.#markDirty(start / this.pageSize, end / this.pageSize);
        if (this.warmBytes > limits.warmBytesMax) this.#tryGiveBack(start, end);
      });
    });
  }

  /** Gives back every warm page. */
  giveBackWarmPages(): void {
    const end = this.pageCount * this.pageSize;
    const whole = { count: 1, offsets: new Float64Array([0]), lengths: new Float64Array([end]) };
    this.#forEachDirtyStretch(whole, (firstPage, endPage) => {
      this.#tryGiveBack(firstPage * this.pageSize, endPage * this.pageSize);
    });
  }

  /** A copy of what page `pfn` holds now, read through the file and not through any mapping. Does not commit the page. */
  readPage(pfn: Pfn): Uint8Array {
    const bytes = new Uint8Array(this.pageSize);
    const count = readSync(this.fd.borrow(), bytes, 0, bytes.length, pfn * this.pageSize);
    assert(count === this.pageSize, 'An arena has whole pages');
    return bytes;
  }

  /** Writes from the start of page `pfn` on, through the file. Whoever owns the page, its next owner gets it zeroed. */
  writePage(pfn: Pfn, bytes: Uint8Array): void {
    assert(bytes.length <= this.pageSize, 'What is written stays within the page');
    if (this.#states[pfn] === OWNED) this.#states[pfn] = OWNED_WRITTEN;
    else if (this.#states[pfn] === CLEAN) this.#markDirty(pfn, pfn + 1);
    writeSync(this.fd.borrow(), bytes, 0, bytes.length, pfn * this.pageSize);
  }

  /** Whether the arena can be used: until {@link close} has begun to take it apart. */
  get isWhole(): boolean {
    return this.#homeMapped;
  }

  /** Can be called again when it throws. */
  close(): void {
    if (this.#homeMapped) this.#calls.unmap({ address: this.homeAddress, length: this.#length });
    // Forgotten at once: by the next time somebody else may have mapped there.
    this.#homeMapped = false;
    this.fd.close();
  }

  get #length(): ByteLength {
    return toByteLength(this.pageCount * this.pageSize);
  }

  /**
   * Asks the file rather than `mincore`, which takes a swapped-out page for an absent one (mm/mincore.c, mincore_page):
   * it would keep its old contents for the next owner. SEEK_DATA counts it as data (mm/filemap.c, folio_seek_hole_data).
   */
  #forEachCommittedStretch(start: number, end: number, visit: (start: number, end: number) => void): void {
    for (let position = start; position < end;) {
      const data = this.#nextCommitted(position, end);
      if (data === undefined || data.start >= end) return;
      visit(data.start, Math.min(data.end, end));
      position = data.end;
    }
  }

  /** Where the kernel does not tell, everything up to `end` counts as committed: that wipes too much at worst. */
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

  #forEachDirtyStretch(runs: FileRuns, visit: (firstPage: number, endPage: number) => void): void {
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

  /** The first page from `page` on whose state is none to be skipped, or `endPage`. */
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
      // The pages stay committed and dirty: the next owner gets them wiped.
      return;
    }
    this.#markClean(start / this.pageSize, end / this.pageSize);
  }

  #markDirty(firstPage: number, endPage: number): void {
    for (let page = firstPage; page < endPage; page += 1) {
      if (this.#states[page] === CLEAN) this.#dirtyPageCount += 1;
      this.#states[page] = DIRTY;
    }
  }

  #markClean(firstPage: number, endPage: number): void {
    this.#states.fill(CLEAN, firstPage, endPage);
    this.#dirtyPageCount -= endPage - firstPage;
  }
}

/**
 * Kernels 5.7 to 5.12 refuse to move a shared file's page-table entries, but unmap the target first (mm/mremap.c, mremap_to):
 * seen on a window, another thread could map into that hole. So it is tried once, on mappings that nobody else knows.
 */
function canMovePageTables(calls: SystemCalls, fd: BorrowedFd, pageSize: ByteLength): boolean {
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
