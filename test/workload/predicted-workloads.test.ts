/**
 * Predictions against measurements of what was predicted: what mappings of a few sizes cost, and
 * what workloads of other sizes take. Both are measured in turn, in several rounds, so that what
 * the machine does besides falls on both.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { median } from '../../src/base/median.ts';
import type { CostRange, MappingCosts } from '../../src/workload/costs/mapping-costs.ts';
import { countDemand } from '../../src/workload/costs/mapping-demand.ts';
import type { LoadDemand } from '../../src/workload/costs/mapping-demand.ts';
import { measureCosts } from '../../src/workload/costs/measure-costs.ts';
import { predictMappings } from '../../src/workload/costs/predict-mappings.ts';
import type { MappingPrediction } from '../../src/workload/costs/predict-mappings.ts';
import { RECIPES } from '../../src/workload/recipes/recipes.ts';
import { runWorkload } from '../../src/workload/run-workload.ts';
import { mappingWaysOf } from '../../src/workload/kernel/map-window.ts';
import { openWorkloadHeap } from '../../src/workload/workload-heap.ts';
import type { Workload } from '../../src/workload/workload.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

const NAMES = [
  'capture-metadata',
  'usb-camera-shuffled',
  'shadow-plane-small-damage',
  'npu-sessions',
  'task-fences',
] as const;
type Choice = Pick<MappingPrediction, 'conversion' | 'mapping'>;
/** All that this machine leaves. */
const CHOICES: readonly Choice[] = choicesHere();
const ROUND_COUNT = 5;

function choicesHere(): Choice[] {
  using heap = openWorkloadHeap(undefined, 0);
  const mappings = mappingWaysOf(heap).ways.includes('run') ? (['page', 'run'] as const) : (['page'] as const);
  return mappings.flatMap((mapping) => [
    { conversion: 'page', mapping },
    { conversion: 'entry', mapping },
  ]);
}

function recipe(name: string): Workload {
  return RECIPES.find((each) => each.name === name) ?? assert.fail(name);
}

async function demandOf(name: string): Promise<LoadDemand[]> {
  using heap = openWorkloadHeap(undefined, 0);
  return await countDemand(recipe(name), { heap, caller: 'as-is', seed: 0 });
}

/** The median of its steps, behind those that commit memory. */
async function measureStep(name: string, { conversion, mapping }: Choice): Promise<number> {
  using heap = openWorkloadHeap(undefined, 0);
  const [load] = recipe(name).loads;
  const inRound = load !== undefined && 'bufferCount' in load ? load.bufferCount : 1;
  const steps = Array.from({ length: 3 * inRound }, () => 0);
  let step = 0;
  await runWorkload(recipe(name), {
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
function rangeOf(rounds: readonly MappingCosts[], demands: readonly LoadDemand[], choice: Choice): CostRange {
  const steps = rounds.map((costs) => {
    const found = predictMappings(demands, costs).find(
      ({ conversion, mapping }) => conversion === choice.conversion && mapping === choice.mapping,
    );
    return found?.stepNs ?? assert.fail('no prediction');
  });
  return {
    lowNs: Math.min(...steps.map(({ lowNs }) => lowNs)),
    likelyNs: median(steps.map(({ likelyNs }) => likelyNs)),
    highNs: Math.max(...steps.map(({ highNs }) => highNs)),
  };
}

function keyOf(name: string, { conversion, mapping }: Choice): string {
  return `${name}, converted by ${conversion}, mapped by ${mapping}`;
}

test('what workloads take to map is within what is predicted by what mappings cost', async (t) => {
  const rounds: MappingCosts[] = [];
  const measured = new Map<string, number[]>();
  for (let round = 0; round < ROUND_COUNT; round += 1) {
    rounds.push(await measureCosts({ roundCount: 15 }));
    for (const name of NAMES)
      for (const choice of CHOICES) {
        const key = keyOf(name, choice);
        measured.set(key, [...(measured.get(key) ?? []), await measureStep(name, choice)]);
      }
  }
  for (const name of NAMES) {
    const demands = await demandOf(name);
    for (const choice of CHOICES) {
      const { lowNs, likelyNs, highNs } = rangeOf(rounds, demands, choice);
      const took = median(measured.get(keyOf(name, choice)) ?? []);
      const figures = `${keyOf(name, choice)}: ${took} ns, predicted ${lowNs} to ${highNs}, likely ${likelyNs}`;
      t.diagnostic(figures);
      assert.ok(took >= lowNs && took <= highNs, figures);
    }
  }
});
