import type { BufferSnapshot, HoldingProcess, ListedBuffer } from '../../../src/machine/buffers/buffer-snapshot.ts';

/** A snapshot in short. */
interface ShortSnapshot {
  readonly buffers: readonly {
    readonly inode: number;
    readonly size: number;
    readonly exporter: string;
    readonly name?: string;
    /** How many descriptors, by process id. */
    readonly holders: Readonly<Record<number, number>>;
  }[];
  /** Their names, by process id. */
  readonly processes: Readonly<Record<number, string>>;
  readonly startTicks?: number;
}

/** An invented snapshot, of a machine without gaps. */
export function bufferSnapshot({ buffers, processes, startTicks = 100 }: ShortSnapshot): BufferSnapshot {
  const listed = buffers.map((buffer) => toListed(buffer, processes));
  const bytes = sum(listed.map(({ size }) => size));
  const unheld = listed.filter(({ holders }) => holders.length === 0);
  const heldOnlyByKernelBytes = sum(unheld.map(({ size }) => size));
  return {
    format: 'dmabuf-buffers',
    version: 1,
    takenAt: '2026-08-06T10:00:00.000Z',
    bootId: '77a19c16-6988-4114-8365-cd54c82ac333',
    sources: {
      buffers: { source: 'debugfs', path: '/sys/kernel/debug/dma_buf/bufinfo' },
      holders: { source: 'procfs', path: '/proc', processCount: 7 },
    },
    gaps: [],
    buffers: listed,
    processes: Object.entries(processes).map(([pid, comm]) =>
      toProcess(listed, { pid: Number(pid), comm, startTicks }),
    ),
    totals: {
      bufferCount: listed.length,
      bytes,
      heldByProcessesBytes: bytes - heldOnlyByKernelBytes,
      heldOnlyByKernelBytes,
      heldOnlyByKernelCount: unheld.length,
      unreadableProcessCount: 0,
    },
  };
}

function toListed(
  { holders, size, name, ...buffer }: ShortSnapshot['buffers'][number],
  comms: Readonly<Record<number, string>>,
): ListedBuffer {
  const pids = Object.keys(holders).map(Number);
  return {
    ...buffer,
    size,
    name: name ?? null,
    sizeIsMinimum: false,
    references: null,
    otherReferences: null,
    devices: null,
    holders: pids.map((pid) => ({
      pid,
      comm: comms[pid] ?? '',
      isSelf: false,
      fds: Array.from({ length: holders[pid] ?? 0 }, (_, index) => index + 3),
      mappingCount: 0,
      shareBytes: size / pids.length,
    })),
  };
}

function toProcess(
  buffers: readonly ListedBuffer[],
  process: Pick<HoldingProcess, 'pid' | 'comm' | 'startTicks'>,
): HoldingProcess {
  const held = buffers.flatMap(({ size, holders }) =>
    holders.filter(({ pid }) => pid === process.pid).map((holder) => ({ size, holder })),
  );
  return {
    ...process,
    isSelf: false,
    bufferCount: held.length,
    bytes: sum(held.map(({ size }) => size)),
    shareBytes: sum(held.map(({ holder }) => holder.shareBytes)),
    fdCount: sum(held.map(({ holder }) => holder.fds.length)),
    mappingCount: 0,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
