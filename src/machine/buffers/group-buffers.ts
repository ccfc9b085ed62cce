import type { BufferSnapshot, ListedBuffer } from './buffer-snapshot.ts';

/** What `--by` can be. */
export const GROUPINGS = ['buffer', 'process', 'exporter'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** A buffer, the buffers of a process, or those of an exporter. */
export interface BufferGroup {
  /** Names the same group in every snapshot of one boot. */
  readonly key: string;
  /** What a reader knows it by: inode, exporter and name; process id and comm; exporter. */
  readonly labels: readonly string[];
  readonly isSelf: boolean;
  readonly bufferCount: number;
  /** The sizes of its buffers, whole. */
  readonly bytes: number;
  /** A process's fair share; else the part that processes hold. In bytes. */
  readonly shareBytes: number;
  readonly fdCount: number;
  readonly mappingCount: number;
}

/** The key of what no process holds, when grouped by process. */
export const KERNEL_KEY = 'kernel';
/** Where the exporter or a name is not known. */
const UNKNOWN = '-';

/** Puts the buffers into groups, the largest first. */
export function groupBuffers(snapshot: BufferSnapshot, grouping: Grouping): BufferGroup[] {
  const groups = GROUPERS[grouping](snapshot);
  return groups.toSorted((one, other) => other.bytes - one.bytes);
}

const GROUPERS: Readonly<Record<Grouping, (snapshot: BufferSnapshot) => BufferGroup[]>> = {
  buffer: ({ buffers }) =>
    buffers.map((buffer) =>
      toGroup([buffer], {
        key: String(buffer.inode),
        labels: [String(buffer.inode), buffer.exporter ?? UNKNOWN, buffer.name ?? UNKNOWN],
      }),
    ),
  exporter: ({ buffers }) => {
    const exporters = [...new Set(buffers.map(({ exporter }) => exporter ?? UNKNOWN))];
    return exporters.map((exporter) =>
      toGroup(
        buffers.filter((buffer) => (buffer.exporter ?? UNKNOWN) === exporter),
        { key: exporter, labels: [exporter] },
      ),
    );
  },
  process: ({ buffers, processes }) => {
    const unheld = buffers.filter(({ holders }) => holders.length === 0);
    const kernel = toGroup(unheld, { key: KERNEL_KEY, labels: [UNKNOWN, UNKNOWN] });
    const groups = processes.map((process) => ({
      ...process,
      key: processKey(process),
      labels: [String(process.pid), process.comm],
    }));
    return unheld.length === 0 ? groups : [...groups, kernel];
  },
};

/** Names a process for as long as the machine runs: process ids are used again. */
export function processKey({ pid, startTicks }: { readonly pid: number; readonly startTicks: number }): string {
  return `${pid}@${startTicks}`;
}

function toGroup(buffers: readonly ListedBuffer[], name: Pick<BufferGroup, 'key' | 'labels'>): BufferGroup {
  const holders = buffers.flatMap((buffer) => buffer.holders);
  return {
    ...name,
    isSelf: false,
    bufferCount: buffers.length,
    bytes: buffers.reduce((sum, { size }) => sum + size, 0),
    shareBytes: buffers.reduce((sum, { size, holders: { length } }) => sum + (length === 0 ? 0 : size), 0),
    fdCount: holders.reduce((sum, { fds }) => sum + fds.length, 0),
    mappingCount: holders.reduce((sum, { mappingCount }) => sum + mappingCount, 0),
  };
}
