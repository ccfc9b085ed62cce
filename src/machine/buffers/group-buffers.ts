import { keysOf } from './buffer-keys.ts';
import type { BufferSnapshot, ListedBuffer } from './buffer-snapshot.ts';

/** The values of `--by`. */
export const GROUPINGS = ['buffer', 'process', 'exporter'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** A buffer, a process's buffers, or an exporter's buffers. */
export interface BufferGroup {
  /** Identifies the same group in every snapshot of one boot. */
  readonly key: string;
  /** The group's label for readers: inode, exporter and name; process id and comm; exporter. */
  readonly labels: readonly string[];
  readonly isSelf: boolean;
  readonly bufferCount: number;
  /** The sum of the sizes of its buffers. */
  readonly bytes: number;
  /** A process's fair share; for other groups the part that processes hold. In bytes. */
  readonly shareBytes: number;
  readonly fdCount: number;
  readonly mappingCount: number;
  /**
   * For a process: other processes that share its descriptors or its memory, and are counted here.
   * Absent: none.
   */
  readonly sharedWith?: readonly number[];
}

/** The key of the buffers without a process, when grouped by process. */
export const KERNEL_KEY = 'kernel';
/** The label for an unknown exporter or name. */
const UNKNOWN = '-';

/** Puts the buffers into groups, the largest first. */
export function groupBuffers(snapshot: BufferSnapshot, grouping: Grouping): BufferGroup[] {
  const groups = GROUPERS[grouping](snapshot);
  return groups.toSorted((one, other) => other.bytes - one.bytes);
}

const GROUPERS: Readonly<Record<Grouping, (snapshot: BufferSnapshot) => BufferGroup[]>> = {
  buffer: ({ buffers }) => {
    const keys = keysOf(buffers);
    return buffers.map((buffer, index) =>
      toGroup([buffer], {
        key: keys[index] ?? UNKNOWN,
        labels: [String(buffer.inode ?? UNKNOWN), buffer.exporter ?? UNKNOWN, buffer.name ?? UNKNOWN],
      }),
    );
  },
  exporter: ({ buffers }) => {
    const byExporter = new Map<string, ListedBuffer[]>();
    for (const buffer of buffers) {
      const exporter = buffer.exporter ?? UNKNOWN;
      const ofExporter = byExporter.get(exporter);
      if (ofExporter === undefined) byExporter.set(exporter, [buffer]);
      else ofExporter.push(buffer);
    }
    return [...byExporter].map(([exporter, ofExporter]) => toGroup(ofExporter, { key: exporter, labels: [exporter] }));
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

/** Identifies a process until the machine restarts: process ids are reused. */
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
