import { DmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { COHERENT_MEMORY } from '../../linux/calls/cpu-access-maintenance.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import type { FileRuns } from '../../linux/calls/memory-calls.ts';
import type { MemorySource } from '../../mapping/memory-source.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import type { BackendBuffer, BufferLayout } from '../../heap/backend.ts';
import type { Arena } from './arena.ts';

/**
 * The runs of a table as ranges of the arena's file, in new arrays: mappings are made by them, so
 * they must not change.
 */
export function fileRunsOf(table: SgTable): FileRuns {
  const { count, pfns, offsets, lengths } = table.runs();
  return {
    count,
    offsets: pfns.map((pfn, index) => pfn * table.pageSize + (offsets[index] as number)),
    lengths: lengths.slice(),
  };
}

/** A buffer whose pages are chunks of the arena. */
export class ArenaBuffer implements BackendBuffer {
  readonly length: ByteLength;
  readonly exporter: string;
  readonly source: MemorySource;
  /** Of the arena, which all buffers of the heap share. */
  readonly inode: number;
  readonly mappedInode: number;
  readonly readOnly = false;
  readonly readOnlyStores = 'private';
  readonly maintenance = COHERENT_MEMORY;
  readonly dmaBuf = undefined;
  readonly #table: SgTable;
  readonly #release: () => void;

  constructor(arena: Arena, table: SgTable, identity: { exporter: string; source: MemorySource; release: () => void }) {
    this.length = table.length;
    this.exporter = identity.exporter;
    this.source = identity.source;
    this.inode = arena.inode;
    this.mappedInode = arena.inode;
    this.#table = table;
    this.#release = identity.release;
  }

  layout(): BufferLayout {
    return { known: true, table: this.#table, source: 'the arena of the embedded heap' };
  }

  /** Internal: other processes cannot see it. */
  setName(): void {}

  exportFd(): OwnedFd {
    throw new DmaBufError(
      "Cannot export the buffer as its pages lie in the heap's arena, whose descriptor would hand out every buffer: " +
        'allocate it with { shareable: true }',
      { code: 'EOPNOTSUPP' },
    );
  }

  release(): void {
    this.#release();
  }
}
