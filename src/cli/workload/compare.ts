import { compareWorkload } from '../../workload/compare-workload.ts';
import type { VariantOutcome } from '../../workload/compare-workload.ts';
import { mappingWaysOf } from '../../workload/kernel/map-window.ts';
import type { MappingWays } from '../../workload/kernel/map-window.ts';
import type { Workload } from '../../workload/workload.ts';
import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import { UsageError } from '../parse-arguments.ts';
import { formatSection } from '../report-section.ts';
import { wrapText } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import type { WorkloadOptions } from './description.ts';
import { failOnRefusal, openHeapOfOptions, readRunFacts } from './run-facts.ts';
import { formatVariants } from './variants-table.ts';

interface HeapFacts {
  readonly heap: string;
  readonly backend: string;
  readonly mix: string | null;
  readonly ways: MappingWays;
}

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
  if (options.caller !== undefined || options.conversion !== undefined || options.mapping !== undefined)
    throw new UsageError('Cannot use --caller, --conversion or --mapping with --compare, which takes all in turn');
  const { seconds, seed } = readRunFacts(options);
  using heap = openHeapOfOptions(options);
  const comparisons: Comparison[] = [];
  await untilInterrupted(async (signal) => {
    for (const workload of workloads) {
      const onRun = (done: number, total: number): void =>
        terminal.showProgress(`${workload.name}: ${done} of ${total} runs are done`);
      const variants = await compareWorkload(workload, { heap, mix: options.mix, seed, seconds, signal, onRun });
      comparisons.push({ name: workload.name, variants });
    }
  }).catch(failOnRefusal);
  terminal.clearProgress();
  const { mix = null } = options;
  const facts = { heap: heap.name, backend: heap.backend, mix, seed, seconds };
  const head = { format: 'dmabuf-workload-comparison', version: 1, ...facts };
  if (options.json) writeJsonLine({ ...head, workloads: comparisons }, terminal.writeJson);
  else
    for (const line of formatComparisons(comparisons, { ...facts, ways: mappingWaysOf(heap) }, terminal))
      terminal.print(line);
  return SUCCEEDED;
}

function formatComparisons(
  comparisons: readonly Comparison[],
  { heap, backend, mix, ways }: HeapFacts,
  terminal: Terminal,
): string[] {
  const place = `heap ${heap} (${backend}${mix === null ? '' : `, mix ${mix}`})`;
  const heading = `Time of a step on ${place}: the range of the rounds. PAGES: the sg table is converted by page or by entry.`;
  const entries =
    ways.reason === undefined
      ? 'PTES: page-table entries are made by page or by run.'
      : `How page-table entries are made (PTES) is not compared as ${ways.reason}: ${ways.remedy}.`;
  return [
    ...wrapText(`${heading} ${entries}`, terminal.columns),
    ...comparisons.flatMap(({ name, variants }) =>
      formatSection({ heading: name, lines: formatVariants(variants, terminal.columns) }, terminal),
    ),
  ];
}
