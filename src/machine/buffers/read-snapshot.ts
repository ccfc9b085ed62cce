import { join } from 'node:path';

import { readOptionalSystemFile } from '../../linux/proc/system-file.ts';
import type { BufferSnapshot, ListedBuffer, SnapshotTotals } from './buffer-snapshot.ts';
import type { Gap } from './gap.ts';
import { listHoldingProcesses } from './holding-processes.ts';
import { joinBuffers } from './join-buffers.ts';
import type { KernelList } from './kernel-buffer.ts';
import { readKernelList } from './kernel-list.ts';
import { readProcessesInSteps } from './process-list.ts';
import type { ReadingProgress } from './process-list.ts';
import { thisMachine } from '../../linux/machine.ts';
import type { Machine } from '../../linux/machine.ts';

/** The sources of {@link readBufferSnapshot}. */
export interface SnapshotOptions {
  /** Where `/proc` and `/sys` are found. */
  readonly machine?: Machine | undefined;
  /** A pinned BPF iterator over dma-bufs, to read instead of the other lists. */
  readonly bpfPath?: string | undefined;
  /**
   * A file such as debugfs `dma_buf/bufinfo`, to read instead. A saved one does not contain
   * holders.
   */
  readonly bufinfoPath?: string | undefined;
}

const SAVED_HOLDERS: Gap = {
  kind: 'holders',
  what: 'Who held the buffers is not in a saved list',
  count: null,
  remedy: 'run "dmabuf ls --save FILE" on that machine instead',
};

/** As {@link readSnapshotInSteps}, without steps. */
export function readBufferSnapshot(options: SnapshotOptions = {}): BufferSnapshot {
  const steps = readSnapshotInSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Reads the dma-bufs of this machine and their holders, process by process. Reports unreadable
 * parts in `gaps`, never as an error.
 *
 * @throws {DmaBufError} when the file of an option cannot be read
 */
export function* readSnapshotInSteps({
  machine = thisMachine,
  bpfPath,
  bufinfoPath,
}: SnapshotOptions): Generator<ReadingProgress, BufferSnapshot, undefined> {
  const takenAt = new Date();
  const readList = (): KernelList | Gap => readKernelList({ machine, bpfPath, bufinfoPath });
  const list = readList();
  if ('buffers' in list && list.source === 'file') return snapshotOfFile(list);
  const { processes, ownPid, unreadableCount, gaps } = yield* readProcessesInSteps({ machine });
  const listAfter = readList();
  const buffers = joinBuffers({ before: buffersOf(list), processes, ownPid, after: buffersOf(listAfter) });
  return {
    format: 'dmabuf-buffers',
    version: 1,
    takenAt: takenAt.toISOString(),
    bootId: readOptionalSystemFile(join(machine.root, 'proc/sys/kernel/random/boot_id'))?.trim() ?? null,
    sources: {
      buffers: 'buffers' in list ? { source: list.source, path: list.path } : null,
      holders: { source: 'procfs', path: '/proc', processCount: processes.length },
    },
    gaps: 'buffers' in list ? gaps : [list, ...gaps],
    buffers,
    processes: listHoldingProcesses(buffers, processes),
    totals: { ...sumUp(buffers, 'buffers' in list), unreadableProcessCount: unreadableCount },
  };
}

function buffersOf(list: KernelList | Gap): KernelList['buffers'] {
  return 'buffers' in list ? list.buffers : [];
}

/**
 * A saved list is of another time and possibly of another machine, so this machine's processes are
 * not read.
 */
function snapshotOfFile({ source, path, buffers: listed, savedAt }: KernelList): BufferSnapshot {
  const buffers = joinBuffers({ before: listed, processes: [], ownPid: Number.NaN, after: listed });
  return {
    format: 'dmabuf-buffers',
    version: 1,
    takenAt: (savedAt ?? new Date()).toISOString(),
    bootId: null,
    sources: { buffers: { source, path }, holders: null },
    gaps: [SAVED_HOLDERS],
    buffers,
    processes: [],
    totals: {
      bufferCount: buffers.length,
      bytes: sizeOf(buffers),
      heldByProcessesBytes: null,
      heldOnlyByKernelBytes: null,
      heldOnlyByKernelCount: null,
      unreadableProcessCount: null,
    },
  };
}

/**
 * Without the kernel's list, buffers that no process holds are not seen, and their number is
 * unknown.
 */
function sumUp(buffers: readonly ListedBuffer[], isComplete: boolean): Omit<SnapshotTotals, 'unreadableProcessCount'> {
  const bytes = sizeOf(buffers);
  const unheld = buffers.filter(({ holders }) => holders.length === 0);
  const unheldBytes = sizeOf(unheld);
  return {
    bufferCount: buffers.length,
    bytes,
    heldByProcessesBytes: bytes - unheldBytes,
    heldOnlyByKernelBytes: isComplete ? unheldBytes : null,
    heldOnlyByKernelCount: isComplete ? unheld.length : null,
  };
}

function sizeOf(buffers: readonly ListedBuffer[]): number {
  return buffers.reduce((total, { size }) => total + size, 0);
}
