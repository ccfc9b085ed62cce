import { formatSize } from '../base/sizes.ts';
import type { BufferSnapshot, ListedBuffer } from '../machine/buffers/buffer-snapshot.ts';
import type { Grouping } from '../machine/buffers/group-buffers.ts';
import { groupGrowth } from '../machine/buffers/group-growth.ts';
import type { GroupGrowth } from '../machine/buffers/group-growth.ts';
import type { ChangedBuffer, HolderGrowth, SnapshotDifference } from '../machine/buffers/snapshot-difference.ts';
import { formatBuffers, formatLabels, formatOrigin } from './ls-report.ts';
import { formatGrowth, formatName, formatSizeGrowth } from './ls-text.ts';
import { formatAmount, formatCount } from './number-format.ts';
import { formatTable } from './table.ts';
import type { Column } from './table.ts';

const LABEL_COLUMNS: Readonly<Record<Grouping, readonly Column[]>> = {
  buffer: [
    { heading: 'INODE', align: 'right' },
    { heading: 'EXPORTER', align: 'left' },
    { heading: 'NAME', align: 'left' },
  ],
  process: [
    { heading: 'PID', align: 'right' },
    { heading: 'PROCESS', align: 'left' },
  ],
  exporter: [{ heading: 'EXPORTER', align: 'left' }],
};

/** One reading of `--watch`: what there is, and how much more than at first. */
export function formatReading(first: BufferSnapshot, now: BufferSnapshot, grouping: Grouping): string[] {
  const bytes = formatSizeGrowth(now.totals.bytes - first.totals.bytes);
  const count = formatGrowth(now.totals.bufferCount - first.totals.bufferCount);
  const sums = [
    `${formatAmount(now.totals.bufferCount, 'buffer', 'buffers')}${inBrackets(count)}`,
    `${formatSize(now.totals.bytes)}${inBrackets(bytes)}`,
  ].join(', ');
  const growths = groupGrowth(first, now, grouping);
  return [
    `${formatTime(now.takenAt)}: ${sums}; growth since ${formatTime(first.takenAt)}`,
    ...(growths.length === 0 ? [] : formatGrowths(growths, grouping, now)),
    ...formatOrigin(now),
  ];
}

/** `--diff`: what is new, gone and held differently. */
export function formatDifference(difference: SnapshotDifference, now: BufferSnapshot): string[] {
  const { newBuffers, goneBuffers, changedBuffers, exporters, processes } = difference;
  const sums = [
    `${formatCount(newBuffers.length)} new (${formatSize(sizeOf(newBuffers))})`,
    `${formatCount(goneBuffers.length)} gone (${formatSize(sizeOf(goneBuffers))})`,
    `${formatCount(changedBuffers.length)} held differently`,
  ].join(', ');
  return [
    `Buffers since ${formatTime(difference.before)}: ${sums}`,
    '',
    ...formatSection('New:', newBuffers, (buffers) => formatBuffers(buffers, now)),
    ...formatSection('Gone, with those who held them:', goneBuffers, (buffers) => formatBuffers(buffers, now)),
    ...formatSection('Held differently:', changedBuffers, formatChanged),
    ...formatSection('By exporter:', exporters, (growths) => formatGrowths(growths, 'exporter', now)),
    ...formatSection('By process:', processes, (growths) => formatGrowths(growths, 'process', now)),
    ...formatOrigin(now),
  ];
}

function formatSection<One>(
  heading: string,
  ones: readonly One[],
  format: (ones: readonly One[]) => readonly string[],
): string[] {
  return ones.length === 0 ? [] : [heading, ...format(ones), ''];
}

function formatGrowths(
  growths: readonly GroupGrowth[],
  grouping: Grouping,
  { gaps }: Pick<BufferSnapshot, 'gaps'>,
): string[] {
  const columns: Column[] = [
    { heading: grouping === 'buffer' ? 'FDS+MAPS' : 'BUFFERS', align: 'right' },
    { heading: '+/-', align: 'right' },
    { heading: 'SIZE', align: 'right' },
    { heading: '+/-', align: 'right' },
    ...LABEL_COLUMNS[grouping],
    { heading: '', align: 'left' },
  ];
  const rows = growths.map((growth) => {
    const { group } = growth;
    const counts =
      grouping === 'buffer'
        ? [group.fdCount + group.mappingCount, growth.fdCount + growth.mappingCount]
        : [group.bufferCount, growth.bufferCount];
    return [
      formatCount(counts[0] ?? 0),
      formatGrowth(counts[1] ?? 0),
      formatSize(group.bytes),
      formatSizeGrowth(growth.bytes),
      ...formatLabels(group, gaps),
      describePresence(growth),
    ];
  });
  return formatTable(columns, rows);
}

function describePresence({ presence, group }: GroupGrowth): string {
  if (presence !== 'stayed') return presence;
  return group.isSelf ? 'this process' : '';
}

function formatChanged(changed: readonly ChangedBuffer[]): string[] {
  return changed.flatMap(({ buffer, holders }) => {
    const names = [buffer.exporter ?? '-', buffer.name ?? '-'].map(formatName).join('  ');
    return [`${buffer.inode}  ${formatSize(buffer.size)}  ${names}`, ...holders.map(formatHolderGrowth)];
  });
}

function formatHolderGrowth({ pid, comm, fdCount, mappingCount }: HolderGrowth): string {
  const changes = [
    ...(fdCount === 0 ? [] : [`${formatGrowth(fdCount)} ${Math.abs(fdCount) === 1 ? 'fd' : 'fds'}`]),
    ...(mappingCount === 0
      ? []
      : [`${formatGrowth(mappingCount)} ${Math.abs(mappingCount) === 1 ? 'mapping' : 'mappings'}`]),
  ];
  return `    ${formatName(comm)} (${pid}): ${changes.join(', ')}`;
}

function sizeOf(buffers: readonly ListedBuffer[]): number {
  return buffers.reduce((sum, { size }) => sum + size, 0);
}

function inBrackets(text: string): string {
  return text === '' ? '' : ` (${text})`;
}

/** ISO 8601 to the second. A snapshot's may be anything. */
function formatTime(iso: string): string {
  return formatName(iso.replace(/\.\d+Z$/u, 'Z'));
}
