import { formatSize } from '../base/sizes.ts';
import type { BufferSnapshot, Holder, ListedBuffer } from '../machine/buffers/buffer-snapshot.ts';
import type { Gap } from '../machine/buffers/gap.ts';
import { groupBuffers, KERNEL_KEY } from '../machine/buffers/group-buffers.ts';
import type { BufferGroup, Grouping } from '../machine/buffers/group-buffers.ts';
import { formatName, formatShare } from './ls-text.ts';
import { formatAmount, formatCount } from './number-format.ts';
import { formatLabelled, formatTable } from './table.ts';
import type { Column } from './table.ts';
import { WIDTH } from './terminal.ts';

/** How many descriptors of one buffer are told by number. */
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

/** The whole listing: the table, the sums, where it comes from, and what is missing. */
export function formatSnapshot(snapshot: BufferSnapshot, grouping: Grouping): string[] {
  const lines = grouping === 'buffer' ? formatBuffers(snapshot.buffers, snapshot) : formatGroups(snapshot, grouping);
  const table = snapshot.buffers.length === 0 ? [] : [...lines, ''];
  return [...table, ...formatTotals(snapshot), '', ...formatOrigin(snapshot)];
}

/** A line for each buffer, with those who hold it under it. `snapshot`: the one that the buffers are of. */
export function formatBuffers(buffers: readonly ListedBuffer[], snapshot: Pick<BufferSnapshot, 'gaps'>): string[] {
  const rows = buffers.map((buffer) => [
    String(buffer.inode),
    `${buffer.sizeIsMinimum ? '≥ ' : ''}${formatSize(buffer.size)}`,
    formatName(buffer.exporter ?? '-'),
    formatName(buffer.name ?? '-'),
  ]);
  const [heading = '', ...lines] = formatTable(
    [
      { heading: 'INODE', align: 'right' },
      { heading: 'SIZE', align: 'right' },
      { heading: 'EXPORTER', align: 'left' },
      { heading: 'NAME', align: 'left' },
    ],
    rows,
  );
  // Shares stand under the sizes.
  const shareEnd = heading.indexOf('SIZE') + 'SIZE'.length;
  const described = lines.flatMap((line, index) => {
    const buffer = buffers[index];
    return [line].concat(buffer === undefined ? [] : formatHolders(buffer, snapshot.gaps, shareEnd));
  });
  return [heading, ...described];
}

function formatHolders(buffer: ListedBuffer, gaps: readonly Gap[], shareEnd: number): string[] {
  const holders = buffer.holders.flatMap((holder) =>
    formatLabelled(`${formatShare(holder.shareBytes).padStart(shareEnd)}  `, describeHolder(holder), WIDTH),
  );
  const rest = describeRest(buffer, gaps);
  return rest === undefined ? holders : [...holders, ...formatLabelled(' '.repeat(shareEnd + 2), rest, WIDTH)];
}

function describeHolder({ pid, comm, isSelf, fds, mappingCount }: Holder): string {
  const told = fds.slice(0, FDS_TOLD).join(', ');
  const numbers = fds.length > FDS_TOLD ? `${told}, …` : told;
  const held = [
    ...(fds.length === 0 ? [] : [`${formatAmount(fds.length, 'fd', 'fds')} (${numbers})`]),
    ...(mappingCount === 0 ? [] : [formatAmount(mappingCount, 'mapping', 'mappings')]),
  ];
  return `${formatName(comm)} (${pid})${isSelf ? ', this process' : ''}: ${held.join(', ')}`;
}

/** Who else holds it. */
function describeRest({ holders, otherReferences, devices }: ListedBuffer, gaps: readonly Gap[]): string | undefined {
  const attached =
    devices === null || devices.length === 0 ? '' : `, attached to ${devices.map(formatName).join(', ')}`;
  if (holders.length === 0) return `${describeKernelOnly(gaps)}${attached}`;
  const others = otherReferences ?? 0;
  if (others === 0) return attached === '' ? undefined : attached.slice(2);
  const where = seesAllHolders(gaps) ? 'in the kernel' : 'in the kernel or in unread processes';
  return `${formatAmount(others, 'more reference', 'more references')} ${where}${attached}`;
}

function formatGroups(snapshot: BufferSnapshot, grouping: Exclude<Grouping, 'buffer'>): string[] {
  const groups = groupBuffers(snapshot, grouping);
  const rows = groups.map((group) =>
    formatLabels(group, snapshot.gaps).concat([
      formatCount(group.bufferCount),
      formatSize(group.bytes),
      formatShare(group.shareBytes),
      formatCount(group.fdCount),
      formatCount(group.mappingCount),
      group.isSelf ? 'this process' : '',
    ]),
  );
  return formatTable(GROUP_COLUMNS[grouping], rows);
}

/** What a group is known by, fit to be printed. */
export function formatLabels({ key, labels }: BufferGroup, gaps: readonly Gap[]): string[] {
  // An exporter's key is its name, which may be any; it has one label.
  if (key === KERNEL_KEY && labels.length === 2) return ['-', describeKernelOnly(gaps)];
  return labels.map(formatName);
}

function formatTotals({ totals, processes, gaps }: BufferSnapshot): string[] {
  if (totals.bufferCount === 0) return [seesAllHolders(gaps) ? 'No dma-bufs.' : 'No dma-bufs seen.'];
  const kernel = seesAllHolders(gaps) ? 'held only by the kernel' : 'held by no process that was read';
  const text = [
    `${formatAmount(totals.bufferCount, 'buffer', 'buffers')}, ${formatSize(totals.bytes)}:`,
    `${formatSize(totals.heldByProcessesBytes)} held by ${formatAmount(processes.length, 'process', 'processes')},`,
    `${formatSize(totals.heldOnlyByKernelBytes)} ${kernel}`,
  ];
  return formatLabelled('', text.join(' '), WIDTH);
}

/** Where the listing comes from, and what it may lack. */
export function formatOrigin({ sources, gaps }: Pick<BufferSnapshot, 'sources' | 'gaps'>): string[] {
  const list = sources.buffers === null ? 'none' : `${sources.buffers.source}, ${formatName(sources.buffers.path)}`;
  const { source, path, processCount } = sources.holders;
  return [
    `Buffers: ${list}`,
    `Holders: ${source}, ${path} of ${formatAmount(processCount, 'process', 'processes')}`,
    ...gaps.flatMap(({ what, remedy }) => [
      ...formatLabelled('Missing: ', what, WIDTH),
      ...formatLabelled('    remedy: ', remedy, WIDTH),
    ]),
  ];
}

function describeKernelOnly(gaps: readonly Gap[]): string {
  return seesAllHolders(gaps) ? 'only the kernel' : 'no process that was read';
}

function seesAllHolders(gaps: readonly Gap[]): boolean {
  return gaps.every(({ kind }) => kind === 'kernel-list');
}
