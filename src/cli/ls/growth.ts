import { formatSize } from '../../base/sizes.ts';
import type { BufferSnapshot, ListedBuffer } from '../../machine/buffers/buffer-snapshot.ts';
import type { Grouping } from '../../machine/buffers/group-buffers.ts';
import { groupGrowth } from '../../machine/buffers/group-growth.ts';
import type { GroupGrowth } from '../../machine/buffers/group-growth.ts';
import type { ChangedBuffer, HolderGrowth, SnapshotDifference } from '../../machine/buffers/snapshot-difference.ts';
import { bufferLines, formatLabels, formatOrigin } from './report.ts';
import { formatGrowth, formatSizeGrowth } from './text.ts';
import { formatName } from '../../base/printable-text.ts';
import { formatAmount, formatCount } from '../../base/number-format.ts';
import { formatTable, wrapText } from '../table.ts';
import type { Column } from '../table.ts';

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

/** One reading of `--watch`: the present state, and the growth since the first reading. */
export function formatReading(
  first: BufferSnapshot,
  now: BufferSnapshot,
  { grouping, columns }: { grouping: Grouping; columns: number },
): string[] {
  const bytes = formatSizeGrowth(now.totals.bytes - first.totals.bytes);
  const count = formatGrowth(now.totals.bufferCount - first.totals.bufferCount);
  const sums = [
    `${formatAmount(now.totals.bufferCount, 'buffer', 'buffers')}${inBrackets(count)}`,
    `${formatSize(now.totals.bytes)}${inBrackets(bytes)}`,
  ].join(', ');
  const growths = groupGrowth(first, now, grouping);
  return [
    ...wrapText(`${formatTime(now.takenAt)}: ${sums}; growth since ${formatTime(first.takenAt)}`, columns),
    ...(growths.length === 0 ? [] : formatGrowths(growths, { grouping, columns }, now)),
    ...formatOrigin(now, columns),
  ];
}

/** `--diff`: new, gone and differently held buffers. */
export function formatDifference(difference: SnapshotDifference, now: BufferSnapshot, columns: number): string[] {
  const { newBuffers, goneBuffers, changedBuffers, exporters, processes } = difference;
  const sums = [
    `${formatCount(newBuffers.length)} new (${formatSize(sizeOf(newBuffers))})`,
    `${formatCount(goneBuffers.length)} gone (${formatSize(sizeOf(goneBuffers))})`,
    `${formatCount(changedBuffers.length)} held differently`,
  ].join(', ');
  return [
    ...wrapText(`Buffers since ${formatTime(difference.before)}: ${sums}`, columns),
    '',
    ...formatSection('New:', newBuffers, (buffers) => [...bufferLines(buffers, now, columns)]),
    ...formatSection('Gone, with those who held them:', goneBuffers, (buffers) => [
      ...bufferLines(buffers, now, columns),
    ]),
    ...formatSection('Held differently:', changedBuffers, formatChanged),
    ...formatSection('By exporter:', exporters, (growths) =>
      formatGrowths(growths, { grouping: 'exporter', columns }, now),
    ),
    ...formatSection('By process:', processes, (growths) =>
      formatGrowths(growths, { grouping: 'process', columns }, now),
    ),
    ...formatOrigin(now, columns),
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
  { grouping, columns: width }: { grouping: Grouping; columns: number },
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
  return formatTable(columns, rows, width);
}

function describePresence({ presence, group }: GroupGrowth): string {
  if (presence !== 'stayed') return presence;
  return group.isSelf ? 'this process' : '';
}

function formatChanged(changed: readonly ChangedBuffer[]): string[] {
  return changed.flatMap(({ buffer, holders }) => {
    const names = [buffer.exporter ?? '-', buffer.name ?? '-'].map(formatName).join('  ');
    return [`${buffer.inode ?? '-'}  ${formatSize(buffer.size)}  ${names}`, ...holders.map(formatHolderGrowth)];
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

/** ISO 8601 to the second. A snapshot's time may be any text. */
function formatTime(iso: string): string {
  return formatName(iso.replace(/\.\d+Z$/u, 'Z'));
}
