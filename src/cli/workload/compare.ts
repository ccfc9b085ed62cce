import { formatCount, formatDuration } from '../../base/number-format.ts';
import { compareWorkload } from '../../workload/compare-workload.ts';
import type { Interval, VariantOutcome } from '../../workload/compare-workload.ts';
import type { Workload } from '../../workload/workload.ts';
import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import { UsageError } from '../parse-arguments.ts';
import { formatTable, wrapText } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import type { WorkloadOptions } from './description.ts';
import { failOnRefusal, openWorkloadHeap, readRunFacts } from './run-facts.ts';

const COLUMNS = [
  { heading: 'DRIVERS', align: 'left' },
  { heading: 'BY', align: 'left' },
  { heading: 'MAPPINGS', align: 'right' },
  { heading: 'LATE', align: 'right' },
  { heading: 'MAPPING', align: 'right' },
  { heading: 'CONVERSION', align: 'right' },
  { heading: 'LOCKED', align: 'right' },
] as const;

/** Replays a workload under all choices, and prints one table. Ctrl-C ends it without one. */
export async function compareOnTerminal(
  workload: Workload,
  options: WorkloadOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  if (options.caller !== undefined || options.conversion !== undefined)
    throw new UsageError('Cannot use --caller or --conversion with --compare, which takes all of them in turn');
  const { seconds, seed } = readRunFacts(options);
  using heap = openWorkloadHeap(options.heap);
  let variants: VariantOutcome[] | undefined;
  const onRun = (done: number, total: number): void => terminal.showProgress(`${done} of ${total} runs are done`);
  await untilInterrupted(async (signal) => {
    variants = await compareWorkload(workload, { heap, seed, seconds, signal, onRun });
  }).catch(failOnRefusal);
  terminal.clearProgress();
  if (variants === undefined) return SUCCEEDED;
  const facts = { workload: workload.name, heap: heap.name, backend: heap.backend, seed, seconds };
  if (options.json)
    writeJsonLine({ format: 'dmabuf-workload-comparison', version: 1, ...facts, variants }, terminal.writeJson);
  else for (const line of formatComparison(variants, facts, terminal)) terminal.print(line);
  return SUCCEEDED;
}

function formatComparison(
  variants: readonly VariantOutcome[],
  { workload, heap, backend }: { readonly workload: string; readonly heap: string; readonly backend: string },
  { bold, columns }: Terminal,
): string[] {
  const heading = `${workload} on heap ${heap} (${backend}): time of a step, the range of the rounds`;
  return [...wrapText(heading, columns).map(bold), '', ...formatTable(COLUMNS, variants.map(toCells), columns)];
}

function toCells(variant: VariantOutcome): string[] {
  const { caller, conversion, mappingCount, lateCount, mappingNs, conversionNs, lockedNs } = variant;
  return [
    caller,
    conversion,
    formatCount(mappingCount),
    formatCount(lateCount),
    formatRange(mappingNs),
    conversionNs === undefined ? '-' : formatRange(conversionNs),
    formatRange(lockedNs),
  ];
}

/** `1.10-1.90 ms`: with blanks, a row is wider than 80 columns. */
function formatRange({ low, high }: Interval): string {
  const [from, to] = [formatDuration(low), formatDuration(high)];
  const unit = to.replace(/^[\d.]+/u, '');
  return from.endsWith(unit) ? `${from.slice(0, -unit.length)}-${to}` : `${from}-${to}`;
}
