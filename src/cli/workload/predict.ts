import { formatAmount, formatDuration, formatRate } from '../../base/number-format.ts';
import type { MappingCosts } from '../../workload/costs/mapping-costs.ts';
import { countDemand } from '../../workload/costs/mapping-demand.ts';
import type { LoadDemand, MappingDemand } from '../../workload/costs/mapping-demand.ts';
import { predictMappings } from '../../workload/costs/predict-mappings.ts';
import type { MappingPrediction } from '../../workload/costs/predict-mappings.ts';
import type { Workload } from '../../workload/workload.ts';
import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import { formatSection, indentLines, indentTexts, sectionColumns } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatTable, wrapText } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { formatBasis } from './costs-report.ts';
import type { WorkloadOptions } from './description.ts';
import { readCosts } from './read-costs.ts';
import { failOnRefusal, openHeapOfOptions, readRunFacts } from './run-facts.ts';

const COLUMNS = [
  { heading: 'CONSUMER', align: 'left' },
  { heading: 'CONVERTED', align: 'left' },
  { heading: 'MAPPED', align: 'left' },
  { heading: 'LOW', align: 'right' },
  { heading: 'LIKELY', align: 'right' },
  { heading: 'HIGH', align: 'right' },
  { heading: 'OF A CORE', align: 'right' },
] as const;
const SECOND_NS = 1e9;

/** What a workload's mappings would take, by what each costs. Ctrl-C ends it without a report. */
export async function predictOnTerminal(
  workload: Workload,
  options: WorkloadOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { caller = 'as-is' } = options;
  const { seed } = readRunFacts(options);
  using heap = openHeapOfOptions(options);
  let demands: readonly LoadDemand[] = [];
  let costs: MappingCosts | undefined;
  await untilInterrupted(async (signal) => {
    let stepCount = 0;
    const onStep = (): void => {
      stepCount += 1;
      terminal.showProgress(`counting: ${stepCount} steps are replayed`);
    };
    demands = await countDemand(workload, { heap, caller, seed, signal, onStep });
    terminal.clearProgress();
    costs = await readCosts(options.costs ?? 'machine', signal, terminal);
  }).catch(failOnRefusal);
  if (costs === undefined) return SUCCEEDED;
  const predictions = predictMappings(demands, costs);
  const facts = { workload: workload.name, caller, seed, costs, demands: demands.map(toJson), predictions };
  if (options.json) writeJsonLine({ format: 'dmabuf-workload-prediction', version: 1, ...facts }, terminal.writeJson);
  else for (const line of formatPrediction({ workload, costs, demands, predictions }, terminal)) terminal.print(line);
  return SUCCEEDED;
}

interface Prediction {
  readonly workload: Workload;
  readonly costs: MappingCosts;
  readonly demands: readonly LoadDemand[];
  readonly predictions: readonly MappingPrediction[];
}

function toJson({ load, start, step }: LoadDemand): object {
  return { consumer: load.consumer, stepsPerSecond: load.stepsPerSecond, start, step };
}

function formatPrediction({ workload, costs, demands, predictions }: Prediction, style: ReportStyle): string[] {
  const heading = `Mappings of each step of ${workload.name}, predicted by ${costs.source}`;
  const table = formatTable(COLUMNS, predictions.map(toCells), sectionColumns(style.columns));
  const missing = new Set(predictions.flatMap((prediction) => prediction.missing));
  return [
    ...wrapText(heading, style.columns).map(style.bold),
    ...indentLines(table),
    ...formatSection({ heading: 'What is mapped', lines: indentTexts(demands.map(demandText), style.columns) }, style),
    ...formatBasis(costs, style),
    ...indentTexts(missing.size === 0 ? [] : [`Not in it: ${[...missing].join(', ')}`], style.columns),
  ];
}

function toCells({ consumer, conversion, mapping, stepNs, secondNs }: MappingPrediction): string[] {
  const { lowNs, likelyNs, highNs } = stepNs;
  const [from, to] = [secondNs.lowNs, secondNs.highNs].map((ns) => `${((100 * ns) / SECOND_NS).toPrecision(2)} %`);
  const times = [lowNs, likelyNs, highNs].map(formatDuration);
  return [consumer, `by ${conversion}`, `by ${mapping}`, ...times, `${from?.replace(' %', '')} to ${to}`];
}

function demandText({ load, start, step }: LoadDemand): string {
  const { consumer, stepsPerSecond } = load;
  const first = `until each buffer has had its turn, ${mappingText(start)} in all`;
  return `${consumer}, ${formatRate(stepsPerSecond)}: ${first}; then ${mappingText(step)} a step`;
}

function mappingText({ callCount, mappingCount, pages }: MappingDemand): string {
  const pageCount = pages.reduce((sum, each) => sum + each.pageCount, 0);
  const [calls, mappings, mapped] = [callCount, mappingCount, pageCount].map((count) => Math.round(count * 10) / 10);
  return `${formatAmount(calls ?? 0, 'call', 'calls')}, ${formatAmount(mappings ?? 0, 'mapping', 'mappings')} of ${formatAmount(mapped ?? 0, 'page', 'pages')}`;
}
