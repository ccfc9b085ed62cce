import { join } from 'node:path';

import { readOptionalSystemFile } from '../../linux/system-file.ts';
import type { BufferSnapshot, HoldingProcess, ListedBuffer, SnapshotTotals } from './buffer-snapshot.ts';
import { joinBuffers } from './join-buffers.ts';
import { readKernelList } from './kernel-list.ts';
import type { ProcessHoldings } from './process-holdings.ts';
import { readProcessList } from './process-list.ts';

/** Where {@link readBufferSnapshot} reads. */
interface SnapshotOptions {
  /** Where `/proc` and `/sys` are found. */
  readonly root?: string | undefined;
  /** A pinned BPF iterator over dma-bufs, to be read instead of the other lists. */
  readonly bpfPath?: string | undefined;
}

/**
 * Reads which dma-bufs this machine has, and who holds them. What cannot be read is said in `gaps`, never an error.
 *
 * @throws {DmaBufError} when `bpfPath` cannot be read
 */
export function readBufferSnapshot({ root = '/', bpfPath }: SnapshotOptions = {}): BufferSnapshot {
  const takenAt = new Date().toISOString();
  const list = readKernelList({ root, bpfPath });
  const before = 'buffers' in list ? list.buffers : [];
  const { processes, ownPid, unreadableCount, gaps } = readProcessList(root);
  const inodesAfter = readInodes({ root, bpfPath });
  const buffers = joinBuffers({ before, processes, ownPid, inodesAfter });
  return {
    format: 'dmabuf-buffers',
    version: 1,
    takenAt,
    bootId: readOptionalSystemFile(join(root, 'proc/sys/kernel/random/boot_id'))?.trim() ?? null,
    sources: {
      buffers: 'buffers' in list ? { source: list.source, path: list.path } : null,
      holders: { source: 'procfs', path: '/proc', processCount: processes.length },
    },
    gaps: 'buffers' in list ? gaps : [list, ...gaps],
    buffers,
    processes: listProcesses(buffers, processes),
    totals: { ...sumUp(buffers), unreadableProcessCount: unreadableCount },
  };
}

function readInodes(options: { readonly root: string; readonly bpfPath: string | undefined }): Set<number> {
  const list = readKernelList(options);
  return new Set('buffers' in list ? list.buffers.map(({ inode }) => inode) : []);
}

function listProcesses(buffers: readonly ListedBuffer[], processes: readonly ProcessHoldings[]): HoldingProcess[] {
  return processes
    .filter(({ descriptors, mappings }) => descriptors.length + mappings.length > 0)
    .map(({ pid, comm, startTicks }) => {
      const held = buffers.flatMap(({ size, holders }) =>
        holders.filter((holder) => holder.pid === pid).map((holder) => ({ size, holder })),
      );
      return {
        pid,
        comm,
        startTicks,
        isSelf: held.some(({ holder }) => holder.isSelf),
        bufferCount: held.length,
        bytes: sum(held.map(({ size }) => size)),
        shareBytes: sum(held.map(({ holder }) => holder.shareBytes)),
        fdCount: sum(held.map(({ holder }) => holder.fds.length)),
        mappingCount: sum(held.map(({ holder }) => holder.mappingCount)),
      };
    })
    .toSorted((one, other) => other.bytes - one.bytes || one.pid - other.pid);
}

function sumUp(buffers: readonly ListedBuffer[]): Omit<SnapshotTotals, 'unreadableProcessCount'> {
  const bytes = sum(buffers.map(({ size }) => size));
  const unheld = buffers.filter(({ holders }) => holders.length === 0);
  const heldOnlyByKernelBytes = sum(unheld.map(({ size }) => size));
  return {
    bufferCount: buffers.length,
    bytes,
    heldByProcessesBytes: bytes - heldOnlyByKernelBytes,
    heldOnlyByKernelBytes,
    heldOnlyByKernelCount: unheld.length,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
