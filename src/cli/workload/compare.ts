import { formatCount, formatDuration } from '../../base/number-format.ts';
import { compareWorkload } from '../../workload/compare-workload.ts';
import type { Interval, VariantOutcome } from '../../workload/compare-workload.ts';
import type { Workload } from '../../workload/workload.ts';
import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import { UsageError } from '../parse-arguments.ts';
import { formatSection } from '../report-section.ts';
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

interface Comparison {
  readonly name: string;
  readonly variants: readonly VariantOutcome[];
}

/**
 * Replays workloads under all choices, one after the other, and prints a table of each. Ctrl-C ends
 * it with those that are done.
 */
export async function compareOnTerminal(
  workloads: readonly Workload[],
  options: WorkloadOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  if (options.caller !== undefined || options.conversion !== undefined)
    throw new UsageError('Cannot use --caller or --conversion with --compare, which takes all of them in turn');
  const { seconds, seed } = readRunFacts(options);
  using heap = openWorkloadHeap(options.heap);
  const comparisons: Comparison[] = [];
  await untilInterrupted(async (signal) => {
    for (const workload of workloads) {
      const onRun = (done: number, total: number): void =>
        terminal.showProgress(`${workload.name}: ${done} of ${total} runs are done`);
      const variants = await compareWorkload(workload, { heap, seed, seconds, signal, onRun });
      comparisons.push({ name: workload.name, variants });
    }
  }).catch(failOnRefusal);
  terminal.clearProgress();
  const facts = { heap: heap.name, backend: heap.backend, seed, seconds };
  const head = { format: 'dmabuf-workload-comparison', version: 1, ...facts };
  if (options.json) writeJsonLine({ ...head, workloads: comparisons }, terminal.writeJson);
  else for (const line of formatComparisons(comparisons, facts, terminal)) terminal.print(line);
  return SUCCEEDED;
}

function formatComparisons(
  comparisons: readonly Comparison[],
  { heap, backend }: { readonly heap: string; readonly backend: string },
  terminal: Terminal,
): string[] {
  const heading = `Time of a step on heap ${heap} (${backend}): the range of the rounds`;
  return [
    ...wrapText(heading, terminal.columns),
    ...comparisons.flatMap(({ name, variants }) => {
      const lines = formatTable(COLUMNS, variants.map(toCells), terminal.columns);
      return formatSection({ heading: name, lines }, terminal);
    }),
  ];
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
