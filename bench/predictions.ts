/**
 * Predictions beside measurements of what was predicted: what mappings of a few sizes cost on this
 * machine, and what workloads of other sizes take. Both are measured in turn, in several rounds, so
 * that what the machine does besides falls on both.
 */

import { assert } from '../src/base/assert.ts';
import { median } from '../src/base/median.ts';
import type { CostRange, MappingCosts } from '../src/workload/costs/mapping-costs.ts';
import { countDemand } from '../src/workload/costs/mapping-demand.ts';
import { measureCosts } from '../src/workload/costs/measure-costs.ts';
import { predictMappings } from '../src/workload/costs/predict-mappings.ts';
import type { MappingPrediction } from '../src/workload/costs/predict-mappings.ts';
import { mappingWaysOf } from '../src/workload/kernel/map-window.ts';
import { RECIPES } from '../src/workload/recipes/recipes.ts';
import { runWorkload } from '../src/workload/run-workload.ts';
import type { Workload } from '../src/workload/workload.ts';
import { openWorkloadHeap } from '../src/workload/workload-heap.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';

const NAMES = [
  'capture-metadata',
  'usb-camera-shuffled',
  'shadow-plane-small-damage',
  'npu-sessions',
  'task-fences',
] as const;
const ROUND_COUNT = 5;
const COST_ROUNDS = 15;

type Choice = Pick<MappingPrediction, 'conversion' | 'mapping'>;

interface PredictionOptions {
  readonly names?: readonly string[];
  readonly rounds?: number;
}

export async function* predictionRows({ names = NAMES, rounds = ROUND_COUNT }: PredictionOptions = {}): AsyncGenerator<
  JudgedRow,
  void,
  undefined
> {
  const choices = choicesHere();
  const costs: MappingCosts[] = [];
  const measured = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    costs.push(await measureCosts({ roundCount: COST_ROUNDS }));
    for (const name of names)
      for (const choice of choices) {
        const key = keyOf(name, choice);
        measured.set(key, [...(measured.get(key) ?? []), await measureStep(recipe(name), choice)]);
      }
  }
  for (const name of names)
    for (const choice of choices) {
      const { lowNs, likelyNs, highNs } = await predict(recipe(name), choice, costs);
      const row = toBenchRow({
        subject: `mappings of a step of ${name}, as predicted and as measured`,
        ours: `predicted, ${choice.conversion} and ${choice.mapping}`,
        oursNs: likelyNs,
        peer: 'measured',
        peerNs: median(measured.get(keyOf(name, choice)) ?? []),
      });
      yield { ...row, peerBetweenNs: [lowNs, highNs] };
    }
}

/** All that this machine leaves. */
function choicesHere(): Choice[] {
  using heap = openWorkloadHeap(undefined, 0);
  const mappings = mappingWaysOf(heap).ways.includes('run') ? (['page', 'run'] as const) : (['page'] as const);
  return mappings.flatMap((mapping) => [
    { conversion: 'page', mapping },
    { conversion: 'entry', mapping },
  ]);
}

function keyOf(name: string, { conversion, mapping }: Choice): string {
  return `${name}, ${conversion}, ${mapping}`;
}

function recipe(name: string): Workload {
  const found = RECIPES.find((each) => each.name === name);
  assert(found !== undefined, () => `${name} is a workload`);
  return found;
}

/** The median of its steps, behind those that commit memory. */
async function measureStep(workload: Workload, { conversion, mapping }: Choice): Promise<number> {
  using heap = openWorkloadHeap(undefined, 0);
  const [load] = workload.loads;
  const inRound = load !== undefined && 'bufferCount' in load ? load.bufferCount : 1;
  const steps = Array.from({ length: 3 * inRound }, () => 0);
  let step = 0;
  await runWorkload(workload, {
    heap,
    caller: 'as-is',
    conversion,
    ...(mapping === 'run' ? { mapping } : {}),
    seed: 0,
    extent: { stepCount: steps.length },
    onRecord: (record) => {
      if (record.kind === 'mapping') steps[step] = (steps[step] ?? 0) + (record.durationNs ?? 0);
    },
    onStep: () => void (step += 1),
  });
  return median(steps.slice(inRound));
}

/** From the least of all rounds to the most. */
async function predict(workload: Workload, choice: Choice, rounds: readonly MappingCosts[]): Promise<CostRange> {
  using heap = openWorkloadHeap(undefined, 0);
  const demands = await countDemand(workload, { heap, caller: 'as-is', seed: 0 });
  const steps = rounds.map((costs) => {
    const found = predictMappings(demands, costs).find(
      ({ conversion, mapping }) => conversion === choice.conversion && mapping === choice.mapping,
    );
    assert(found !== undefined, 'Costs of this machine are of every choice here');
    return found.stepNs;
  });
  return {
    lowNs: Math.min(...steps.map(({ lowNs }) => lowNs)),
    likelyNs: median(steps.map(({ likelyNs }) => likelyNs)),
    highNs: Math.max(...steps.map(({ highNs }) => highNs)),
  };
}
