import { formatSize } from '../../base/sizes.ts';
import type { BufferSnapshot, Holder, ListedBuffer } from '../../machine/buffers/buffer-snapshot.ts';
import { seesAllHolders } from '../../machine/buffers/gap.ts';
import type { Gap } from '../../machine/buffers/gap.ts';
import { groupBuffers, KERNEL_KEY } from '../../machine/buffers/group-buffers.ts';
import type { BufferGroup, Grouping } from '../../machine/buffers/group-buffers.ts';
import { formatShare } from './text.ts';
import { formatName } from '../../base/printable-text.ts';
import { formatAmount, formatCount } from '../../base/number-format.ts';
import { formatLabelled, formatTable, tableRows } from '../table.ts';
import type { Cells, Column } from '../table.ts';

const UNKNOWN = '-';
/** Without the kernel's list, buffers that no process holds are not seen. */
const KERNEL_UNKNOWN = 'what only the kernel holds cannot be known';
/** The most descriptors of one buffer that are listed by number. */
const FDS_TOLD = 4;

const GROUP_COLUMNS: Readonly<Record<Exclude<Grouping, 'buffer'>, readonly Column[]>> = {
  process: [
    { heading: 'PID', align: 'right' },
    { heading: 'PROCESS', align: 'left' },
    { heading: 'BUFFERS', align: 'right' },
    { heading: 'SIZE', align: 'right' },
    { heading: 'SHARE', align: 'right' },
    { heading: 'FDS', align: 'right' },
    { heading: 'MAPPINGS', align: 'right' },
    { heading: '', align: 'left' },
  ],
  exporter: [
    { heading: 'EXPORTER', align: 'left' },
    { heading: 'BUFFERS', align: 'right' },
    { heading: 'SIZE', align: 'right' },
    { heading: 'HELD BY PROCESSES', align: 'right' },
    { heading: 'FDS', align: 'right' },
    { heading: 'MAPPINGS', align: 'right' },
  ],
};

/** The whole listing, line by line: the table, the sums, the sources, and the gaps. */
export function* snapshotLines(
  snapshot: BufferSnapshot,
  grouping: Grouping,
  columns: number,
): Generator<string, void, undefined> {
  if (snapshot.buffers.length > 0) {
    yield* grouping === 'buffer'
      ? bufferLines(snapshot.buffers, snapshot, columns)
      : formatGroups(snapshot, grouping, columns);
    yield '';
  }
  yield* [...formatTotals(snapshot, columns), '', ...formatOrigin(snapshot, columns)];
}

/** The column where a share without a heading ends: `    8 MiB`. */
const SHARE_END = 9;

const BUFFER_COLUMNS: readonly Column[] = [
  { heading: 'INODE', align: 'right' },
  { heading: 'SIZE', align: 'right' },
  { heading: 'EXPORTER', align: 'left' },
  { heading: 'NAME', align: 'left' },
];

/** A line per buffer, with its holders below it. `snapshot`: the one that contains the buffers. */
export function* bufferLines(
  buffers: readonly ListedBuffer[],
  { gaps }: Pick<BufferSnapshot, 'gaps'>,
  columns: number,
): Generator<string, void, undefined> {
  const rows = tableRows(BUFFER_COLUMNS, () => bufferRows(buffers), columns);
  const headings: readonly string[] = rows.next().value ?? [];
  yield* headings;
  // Shares stand below the sizes, if these have a heading.
  const shareEnd = headings[0] === undefined ? SHARE_END : headings[0].indexOf('SIZE') + 'SIZE'.length;
  for (const buffer of buffers) {
    yield* rows.next().value ?? [];
    yield* formatHolders(buffer, gaps, { shareEnd, columns });
  }
}

function* bufferRows(buffers: readonly ListedBuffer[]): Generator<Cells, void, undefined> {
  for (const { inode, size, sizeIsMinimum, exporter, name } of buffers) {
    yield [
      String(inode ?? UNKNOWN),
      `${sizeIsMinimum ? '≥ ' : ''}${formatSize(size)}`,
      formatName(exporter ?? UNKNOWN),
      formatName(name ?? UNKNOWN),
    ];
  }
}

function formatHolders(
  buffer: ListedBuffer,
  gaps: readonly Gap[],
  { shareEnd, columns }: { shareEnd: number; columns: number },
): string[] {
  const holders = buffer.holders.flatMap((holder) =>
    formatLabelled(`${formatShare(holder.shareBytes).padStart(shareEnd)}  `, describeHolder(holder), columns),
  );
  const rest = describeRest(buffer, gaps);
  return rest === undefined ? holders : [...holders, ...formatLabelled(' '.repeat(shareEnd + 2), rest, columns)];
}

function describeHolder({ pid, comm, isSelf, fds, mappingCount, sharedWith }: Holder): string {
  const told = fds.slice(0, FDS_TOLD).join(', ');
  const numbers = fds.length > FDS_TOLD ? `${told}, ...` : told;
  const held = [
    ...(fds.length === 0 ? [] : [`${formatAmount(fds.length, 'fd', 'fds')} (${numbers})`]),
    ...(mappingCount === 0 ? [] : [formatAmount(mappingCount, 'mapping', 'mappings')]),
  ];
  return `${formatName(comm)} (${pid})${isSelf ? ', this process' : ''}: ${held.join(', ')}${describeSharing(sharedWith)}`;
}

function describeSharing(pids: readonly number[] | undefined): string {
  return pids === undefined ? '' : `, shared with ${pids.join(', ')}`;
}

/** The other processes that share it. */
function describeRest({ holders, otherReferences, devices }: ListedBuffer, gaps: readonly Gap[]): string | undefined {
  const attached =
    devices === null || devices.length === 0 ? '' : `, attached to ${devices.map(formatName).join(', ')}`;
  if (holders.length === 0) return `${describeKernelOnly(gaps)}${attached}`;
  const others = otherReferences ?? 0;
  if (others === 0) return attached === '' ? undefined : attached.slice(2);
  const where = seesAllHolders(gaps) ? 'in the kernel' : 'in the kernel or in unread processes';
  return `${formatAmount(others, 'more reference', 'more references')} ${where}${attached}`;
}

function formatGroups(snapshot: BufferSnapshot, grouping: Exclude<Grouping, 'buffer'>, columns: number): string[] {
  const groups = groupBuffers(snapshot, grouping);
  const told = (text: string): string => (snapshot.sources.holders === null ? UNKNOWN : text);
  const rows = groups.map((group) =>
    formatLabels(group, snapshot.gaps).concat([
      formatCount(group.bufferCount),
      formatSize(group.bytes),
      told(formatShare(group.shareBytes)),
      told(formatCount(group.fdCount)),
      told(formatCount(group.mappingCount)),
      [...(group.isSelf ? ['this process'] : []), ...sharing(group)].join(', '),
    ]),
  );
  return formatTable(GROUP_COLUMNS[grouping], rows, columns);
}

function sharing({ sharedWith }: BufferGroup): string[] {
  return sharedWith === undefined ? [] : [`shared with ${sharedWith.join(', ')}`];
}

/** The label of a group, safe to print. */
export function formatLabels({ key, labels }: BufferGroup, gaps: readonly Gap[]): string[] {
  // An exporter's key is its name, which may be any text, and it has one label.
  if (key === KERNEL_KEY && labels.length === 2) return ['-', describeKernelOnly(gaps)];
  return labels.map(formatName);
}

function formatTotals({ totals, processes, sources, gaps }: BufferSnapshot, columns: number): string[] {
  if (totals.bufferCount === 0) return formatLabelled('', describeNothing(sources, gaps), columns);
  const sum = `${formatAmount(totals.bufferCount, 'buffer', 'buffers')}, ${formatSize(totals.bytes)}`;
  if (totals.heldByProcessesBytes === null)
    return formatLabelled('', `${sum}: who held them is not in a saved list`, columns);
  const held = `${formatSize(totals.heldByProcessesBytes)} held by ${formatAmount(processes.length, 'process', 'processes')}`;
  if (totals.heldOnlyByKernelBytes === null) return formatLabelled('', `${sum}: ${held}; ${KERNEL_UNKNOWN}`, columns);
  const kernel = seesAllHolders(gaps) ? 'held only by the kernel' : 'held by no process that was read';
  return formatLabelled('', `${sum}: ${held}, ${formatSize(totals.heldOnlyByKernelBytes)} ${kernel}`, columns);
}

function describeNothing({ buffers }: BufferSnapshot['sources'], gaps: readonly Gap[]): string {
  if (buffers === null) return `No process that was read holds a dma-buf; ${KERNEL_UNKNOWN}.`;
  return buffers.source === 'file' || seesAllHolders(gaps) ? 'No dma-bufs.' : 'No dma-bufs seen.';
}

/** The sources of the listing, and its possible gaps. */
export function formatOrigin({ sources, gaps }: Pick<BufferSnapshot, 'sources' | 'gaps'>, columns: number): string[] {
  const list = sources.buffers === null ? 'none' : `${sources.buffers.source}, ${formatName(sources.buffers.path)}`;
  const { holders } = sources;
  const asked =
    holders === null
      ? 'none'
      : `${holders.source}, ${holders.path} of ${formatAmount(holders.processCount, 'process', 'processes')}`;
  return [
    ...formatLabelled('Buffers: ', list, columns),
    ...formatLabelled('Holders: ', asked, columns),
    ...gaps.flatMap(({ what, remedy }) => [
      ...formatLabelled('Missing: ', what, columns),
      ...formatLabelled('    remedy: ', remedy, columns),
    ]),
  ];
}

function describeKernelOnly(gaps: readonly Gap[]): string {
  if (gaps.some(({ kind }) => kind === 'holders')) return 'holders not known';
  return seesAllHolders(gaps) ? 'only the kernel' : 'no process that was read';
}
