import { ArenaBuffer } from '../../backend/embedded/buffer.ts';
import { assert } from '../../base/assert.ts';
import type { BufferCore } from '../../heap/buffer-core.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import { BLOCK_PAGES } from '../protocol/block-runs.ts';

/** The value of a page without an owner. */
const FREE_PAGE = 0;
/** Buffers beyond the 65,534th share it. */
const MANY_OWNERS = 0xffff;

/** A buffer in the picture. */
export interface Painted {
  readonly owner: number;
  readonly table: SgTable;
}

/** The blocks of a picture that changed since somebody looked. */
export class ChangedBlocks {
  readonly #isChanged: Uint8Array;
  #count: number;

  /** At first, every block. */
  constructor(blockCount: number) {
    this.#isChanged = new Uint8Array(blockCount).fill(1);
    this.#count = blockCount;
  }

  /** @param last included */
  add(first: number, last: number): void {
    for (let block = first; block <= last; block += 1) {
      this.#count += 1 - (this.#isChanged[block] as number);
      this.#isChanged[block] = 1;
    }
  }

  /** These blocks, in order. None is changed after that. */
  take(): number[] {
    if (this.#count === 0) return [];
    const blocks: number[] = [];
    for (const [block, isChanged] of this.#isChanged.entries()) if (isChanged === 1) blocks.push(block);
    this.#isChanged.fill(0);
    this.#count = 0;
    return blocks;
  }
}

/**
 * Whose each page of an arena is. An update costs as many steps as runs have changed owner, not as
 * there are pages.
 */
export class OwnerMap {
  readonly owners: Uint16Array;
  readonly #painted = new Map<BufferCore, Painted>();
  readonly #viewers = new Set<ChangedBlocks>();
  /** Values of buffers that are gone. */
  readonly #freeOwners: number[] = [];
  #ownerEnd = FREE_PAGE + 1;

  constructor(pageCount: number) {
    this.owners = new Uint16Array(pageCount);
  }

  get blockCount(): number {
    return Math.ceil(this.owners.length / BLOCK_PAGES);
  }

  /** The buffers of the picture, and their values. */
  get painted(): ReadonlyMap<BufferCore, Readonly<Painted>> {
    return this.#painted;
  }

  /** Adds who is told of changed blocks. */
  addViewer(): ChangedBlocks {
    const blocks = new ChangedBlocks(this.blockCount);
    this.#viewers.add(blocks);
    return blocks;
  }

  dropViewer(blocks: ChangedBlocks): void {
    this.#viewers.delete(blocks);
  }

  /** @param buffers all that the heap has now; those whose pages lie elsewhere are left out */
  update(buffers: ReadonlySet<BufferCore>): void {
    // The pages of those that are gone may be of others now, so they go first.
    for (const [buffer, painted] of this.#painted) {
      if (buffers.has(buffer)) continue;
      this.#paint(painted.table, FREE_PAGE);
      this.#painted.delete(buffer);
      if (painted.owner !== MANY_OWNERS) this.#freeOwners.push(painted.owner);
    }
    for (const buffer of buffers) {
      if (this.#painted.has(buffer) || !(buffer.memory instanceof ArenaBuffer)) continue;
      const layout = buffer.memory.layout();
      assert(layout.known, 'The arena knows where its buffers lie');
      const owner = this.#takeOwner();
      this.#painted.set(buffer, { owner, table: layout.table });
      this.#paint(layout.table, owner);
    }
  }

  #takeOwner(): number {
    const freed = this.#freeOwners.pop();
    if (freed !== undefined) return freed;
    if (this.#ownerEnd === MANY_OWNERS) return MANY_OWNERS;
    this.#ownerEnd += 1;
    return this.#ownerEnd - 1;
  }

  #paint(table: SgTable, owner: number): void {
    const { count, pfns, lengths } = table.runs();
    for (let index = 0; index < count; index += 1) {
      const first = pfns[index] as number;
      const end = first + (lengths[index] as number) / table.pageSize;
      this.owners.fill(owner, first, end);
      const blocks = [Math.floor(first / BLOCK_PAGES), Math.floor((end - 1) / BLOCK_PAGES)] as const;
      for (const viewer of this.#viewers) viewer.add(...blocks);
    }
  }
}
