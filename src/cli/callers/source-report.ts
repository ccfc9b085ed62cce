import { formatSize } from '../../base/sizes.ts';
import { toByteLength } from '../../base/quantities.ts';
import type { CallEnd, CallNode, SourceCallers, SourcePlace } from '../../trace/source/find-source-callers.ts';
import { formatAmount } from '../../base/number-format.ts';
import { formatName } from '../../base/printable-text.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatLabelled, wrapText } from '../table.ts';
import { formatCallList } from './call-list.ts';
import { SourceTreeLines } from './source-tree-lines.ts';

/** The report for people: the calls, the ways to them, what lacks a lock, and the exporters. */
export function formatSourceReport(found: SourceCallers, style: ReportStyle): string[] {
  const sections = [callSection, treeSection, unlockedSection, exporterSection, unreadSection];
  return [...formatFacts(found, style), ...sections.flatMap((section) => section(found, style))];
}

function formatFacts({ root, fileCount, byteCount, nodes, calls }: SourceCallers, { columns }: ReportStyle): string[] {
  const size = formatSize(toByteLength(byteCount));
  const read = `${formatAmount(fileCount, 'file', 'files')} in ${formatName(root)}, ${size}`;
  const outcome =
    calls.length === 0
      ? 'no call of dma_buf_vmap'
      : `${formatAmount(calls.length, 'call', 'calls')} on the way to dma_buf_vmap, by ${formatAmount(nodes.length - 1, 'function, macro or member', 'functions, macros and members')}`;
  return wrapText(`${read}: ${outcome}`, columns);
}

/** The calls themselves, and those of the function that takes the lock. */
function callSection({ calls }: SourceCallers, style: ReportStyle): string[] {
  const lines: string[] = [];
  for (const name of ['dma_buf_vmap', 'dma_buf_vmap_unlocked']) {
    const direct = calls.filter(({ callee }) => callee === name);
    if (direct.length === 0) continue;
    lines.push('', style.bold(`Calls of ${name}: file, function, line, text`));
    lines.push(...formatCallList(direct).map((line) => `  ${line}`));
  }
  return lines;
}

/** Kinds of ends, each under its heading. A node that has several is under the first. */
const END_HEADINGS: readonly (readonly [reason: CallEnd['reason'], heading: string])[] = [
  ['interface', 'From interfaces down, with the functions from each line to dma_buf_vmap'],
  ['many callers', 'From functions with many callers down'],
  ['handed', 'From what is called later, as work, ioctls and tests are'],
  ['depth', 'From where the search ended (--depth goes further)'],
  ['no callers', 'From functions that nothing calls by their name'],
];

function treeSection({ nodes, entryPoints }: SourceCallers, style: ReportStyle): string[] {
  const lines = new SourceTreeLines(nodes, style);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const entries = entryPoints.flatMap((id) => byId.get(id) ?? []);
  const printed: string[] = [];
  for (const [reason, heading] of END_HEADINGS) {
    const those = entries.filter(({ ends, leadsTo }) => leadsTo.length > 0 && ends[0]?.reason === reason);
    if (those.length === 0) continue;
    printed.push('', style.bold(heading));
    for (const entry of those.toSorted(compareEntries)) printed.push(...lines.from(entry));
  }
  return printed;
}

/** Functions have a meaning of their own; members the kernel calls for others. */
function compareEntries(a: CallNode, b: CallNode): number {
  return Number(a.kind === 'slot') - Number(b.kind === 'slot') || a.depth - b.depth;
}

function unlockedSection({ unlocked, nodes }: SourceCallers, style: ReportStyle): string[] {
  if (unlocked.length === 0) return [];
  const names = new Map(nodes.map((node: CallNode) => [node.id, node.name]));
  const items = unlocked.flatMap(({ place, path }) => {
    const way = path.map((id) => formatName(names.get(id) ?? id)).join(' → ');
    return [`  ${formatPlace(place)}`, ...formatLabelled('    ', way, style.columns)];
  });
  const heading = 'dma_buf_vmap asserts the reservation lock, and none is seen on these ways to it';
  return ['', ...wrapText(heading, style.columns).map((line) => style.bold(line)), ...items];
}

function exporterSection({ exporters }: SourceCallers, style: ReportStyle): string[] {
  if (exporters.length === 0) return [];
  const lines = exporters.flatMap(({ name, holder, place }) =>
    formatLabelled(`  ${formatName(name)}  `, `${formatName(holder)}, ${formatPlace(place)}`, style.columns),
  );
  return ['', style.bold('What dma_buf_vmap calls: dma_buf_ops.vmap of each exporter'), ...lines];
}

function unreadSection({ unread }: SourceCallers, style: ReportStyle): string[] {
  if (unread.length === 0) return [];
  const lines = unread.map(({ path, reason }) => `  ${formatName(path)}: ${reason}`);
  return ['', style.bold('Not read'), ...lines];
}

function formatPlace({ file, line }: SourcePlace): string {
  return `${formatName(file)}:${line}`;
}
