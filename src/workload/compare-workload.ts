import { median } from '../base/median.ts';
import type { Heap } from '../heap/heap.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import type { Conversion } from './kernel/exporter-mapping.ts';
import { mappingWaysOf } from './kernel/map-window.ts';
import type { MappingWay } from './kernel/map-window.ts';
import type { CallerVariant } from './loads/load.ts';
import { runWorkload } from './run-workload.ts';
import type { WorkloadOutcome } from './run-workload.ts';
import type { Workload } from './workload.ts';

/** What a run was, of several. */
export interface Interval {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** One choice for drivers and for the heap, and what it came to. */
export interface VariantOutcome {
  readonly caller: CallerVariant;
  readonly conversion: Conversion;
  readonly mapping: MappingWay;
  /** In a round: the same in each. */
  readonly mappingCount: number;
  /** In a round, of all consumers. */
  readonly stepCount: number;
  /** Of all rounds. */
  readonly lateCount: number;
  /** In ns, for each step: in `dma_buf_vmap`. */
  readonly mappingNs: Interval;
  /** In ns, for each step: of that, the sg table to pages. Absent: no table was seen. */
  readonly conversionNs?: Interval;
  /** In ns, for each step: how long reservation locks were held. */
  readonly lockedNs: Interval;
}

/** How a workload is compared. */
interface CompareWorkloadOptions {
  readonly heap: Heap;
  /** That it was opened with. */
  readonly mix?: OrderMixName | undefined;
  readonly seed: number;
  /** Of all runs together, in real time. */
  readonly seconds: number;
  /** Only this one, and those that differ from it in one choice. Default: all. */
  readonly around?: Variant | undefined;
  readonly signal: AbortSignal;
  /** Told before each run. */
  readonly onRun: (done: number, total: number) => void;
}

/** What is chosen for drivers and for the heap. */
type Variant = Pick<VariantOutcome, 'caller' | 'conversion' | 'mapping'>;

const CALLERS: readonly CallerVariant[] = ['as-is', 'fixed'];
const CONVERSIONS: readonly Conversion[] = ['page', 'entry'];
/** As many give an interval that says something. */
const ROUND_COUNT = 5;
/** A glance: a round starts threads and processes anew. */
const ROUND_COUNT_AROUND = 3;

/**
 * Runs a workload under all choices, one after the other and then again: what the machine does
 * besides falls on all of them alike.
 *
 * @throws as {@link runWorkload}
 */
export async function compareWorkload(
  workload: Workload,
  { heap, mix, seed, seconds, around, signal, onRun }: CompareWorkloadOptions,
): Promise<VariantOutcome[]> {
  const all = variantsOn(heap);
  const variants = around === undefined ? all : neighboursOf(around, all);
  const roundCount = around === undefined ? ROUND_COUNT : ROUND_COUNT_AROUND;
  const total = roundCount * variants.length;
  const extent = { seconds: seconds / total };
  const outcomes = variants.map((): WorkloadOutcome[] => []);
  for (let round = 0; round < roundCount; round += 1) {
    for (const [index, variant] of variants.entries()) {
      onRun(round * variants.length + index, total);
      outcomes[index]?.push(await runWorkload(workload, { heap, mix, ...variant, seed, extent, signal }));
    }
  }
  return variants.map((variant, index) => summarize(variant, outcomes[index] ?? []));
}

/** Eight, or four on a heap that makes page-table entries by itself. */
function variantsOn(heap: Heap): Variant[] {
  const { ways } = mappingWaysOf(heap);
  return CALLERS.flatMap((caller) =>
    CONVERSIONS.flatMap((conversion) => ways.map((mapping) => ({ caller, conversion, mapping }))),
  );
}

/** The variant itself comes first. */
function neighboursOf(around: Variant, all: readonly Variant[]): Variant[] {
  const differences = ({ caller, conversion, mapping }: Variant): number =>
    [caller !== around.caller, conversion !== around.conversion, mapping !== around.mapping].filter(Boolean).length;
  return [around, ...all.filter((variant) => differences(variant) === 1)];
}

function summarize(variant: Variant, rounds: readonly WorkloadOutcome[]): VariantOutcome {
  const stepCount = stepsOf(rounds[0]);
  const perStep = (select: (outcome: WorkloadOutcome) => number): Interval => {
    const values = rounds.map((outcome) => select(outcome) / stepsOf(outcome));
    return { low: Math.min(...values), median: median(values), high: Math.max(...values) };
  };
  const isDivided = rounds.some(({ report }) => report.callers.some(({ partTimes }) => partTimes !== undefined));
  return {
    ...variant,
    mappingCount: rounds[0]?.report.mappingCount ?? 0,
    stepCount,
    lateCount: rounds.flatMap(({ loads }) => loads).reduce((sum, { lateCount = 0 }) => sum + lateCount, 0),
    mappingNs: perStep(({ report }) => sumOf(report.callers.map(({ totalNs = 0 }) => totalNs))),
    ...(isDivided
      ? {
          conversionNs: perStep(({ report }) =>
            sumOf(report.callers.map(({ partTimes }) => partTimes?.['sg-to-pages'] ?? 0)),
          ),
        }
      : {}),
    lockedNs: perStep(({ lockUse }) => lockUse.heldNs),
  };
}

function stepsOf(outcome: WorkloadOutcome | undefined): number {
  return sumOf((outcome?.loads ?? []).map(({ stepCount }) => stepCount));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
