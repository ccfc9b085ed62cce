/**
 * Every workload at its real pace: what is held after the warm-up is held at the end.
 * DMABUF_WORKLOAD_SECONDS says how long each goes on, as 60 for a minute.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { GiB } from '../../src/base/sizes.ts';
import type { Heap } from '../../src/index.ts';
import { RECIPES } from '../../src/workload/recipes/recipes.ts';
import type { LoadOutcome } from '../../src/workload/drive-load.ts';
import { runWorkload } from '../../src/workload/run-workload.ts';
import type { WorkloadOutcome } from '../../src/workload/run-workload.ts';
import type { Workload } from '../../src/workload/workload.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/runner/leak-check.ts';
import { untilThreadsSleep } from '../support/runner/until-threads-sleep.ts';
import { leastOf, readFamilyHoldings } from './family-holdings.ts';
import type { FamilyHoldings } from './family-holdings.ts';

checkLeaksAfterFile();

/** After the warm-up. */
const SECONDS = Number(process.env['DMABUF_WORKLOAD_SECONDS'] ?? 0.2);

/** What must not grow. */
interface Held {
  readonly descriptorCount: number;
  readonly mappingCount: number;
  readonly bufferCount: number;
  readonly usedBytes: number;
  readonly committedBytes: number;
  readonly cachedBytes: number;
  readonly leakedCount: number;
}

function heldBy(heap: Heap): Held {
  const { bufferCount, usedBytes, committedBytes, cachedBytes, leakedCount } = heap.stats();
  const descriptorCount = readdirSync('/proc/self/fd').length;
  const { mappingCount } = heldMemory();
  return { descriptorCount, mappingCount, bufferCount, usedBytes, committedBytes, cachedBytes, leakedCount };
}

/** After how many steps each buffer has had its turn, and each slot its buffer. */
function stepsInRound({ loads }: Workload): number {
  return Math.max(...loads.map((load) => ('bufferCount' in load ? load.bufferCount : 1)));
}

const isPlaced = ({ loads }: Workload): boolean => loads.some(({ place }) => place !== undefined);

for (const recipe of RECIPES.filter((each) => !isPlaced(each))) {
  test(`${recipe.name} holds at its end what it held after its warm-up`, async (t) => {
    const stepsPerSecond = Math.max(...recipe.loads.map((load) => load.stepsPerSecond));
    const inRound = stepsInRound(recipe);
    const roundCount = Math.max(2, 1 + Math.round((SECONDS * stepsPerSecond) / inRound));
    const stepCount = roundCount * inRound;
    using heap = openEmbeddedHeap({ capacity: GiB });
    let warm: Held | undefined;
    let last: Held | undefined;
    let count = 0;
    const onStep = (): void => {
      count += 1;
      if (count === inRound) warm = heldBy(heap);
      if (count === stepCount) last = heldBy(heap);
    };
    const { loads } = await runWorkload(recipe, {
      heap,
      caller: 'as-is',
      conversion: 'page',
      seed: 1,
      extent: { seconds: stepCount / stepsPerSecond },
      onStep,
    });
    tellPace(t, loads);
    assert.ok(last !== undefined);
    assert.deepEqual(last, warm);
  });
}

/** Too few looks would tell nothing of a shorter run. */
const TELLS_DRIFT = SECONDS >= 20;
const LOOK_PAUSE_MS = 100;
/** Of the looks, what is warming up. */
const WARM_UP_SHARE = 0.2;
/** Of the run: no load is at its end by then, as none is early. */
const LOOKS_SHARE = 0.9;

/** Threads and processes end with the run, and take with them what they had. */
for (const recipe of RECIPES.filter(isPlaced)) {
  test(`${recipe.name} leaves behind what a run before it left${TELLS_DRIFT ? ', and does not grow' : ''}`, async (t) => {
    using heap = openEmbeddedHeap({ capacity: GiB });
    const run = async (seconds: number): Promise<WorkloadOutcome> =>
      await runWorkload(recipe, { heap, caller: 'as-is', conversion: 'page', seed: 1, extent: { seconds } });
    await run(0.1);
    await untilThreadsSleep();
    const before = await settled(() => heldBy(heap));
    const looks: FamilyHoldings[] = [];
    const untilMs = performance.now() + SECONDS * LOOKS_SHARE * 1000;
    const timer = setInterval(() => {
      if (performance.now() < untilMs) looks.push(readFamilyHoldings());
    }, LOOK_PAUSE_MS);
    try {
      const { loads } = await run(SECONDS);
      tellPace(t, loads);
    } finally {
      clearInterval(timer);
    }
    await assertSettles(() => heldBy(heap), before);
    if (TELLS_DRIFT) assertNoDrift(t, looks);
  });
}

/** The second half of what comes after the warm-up, beside the first. */
function assertNoDrift(t: TestContext, looks: readonly FamilyHoldings[]): void {
  const warm = looks.slice(Math.ceil(looks.length * WARM_UP_SHARE));
  const middle = Math.floor(warm.length / 2);
  const [first, second] = [leastOf(warm.slice(0, middle)), leastOf(warm.slice(middle))];
  t.diagnostic(`${looks.length} looks, at least ${JSON.stringify(first)}, then ${JSON.stringify(second)}`);
  assert.ok(second.descriptorCount <= first.descriptorCount);
  assert.ok(second.mappingCount <= first.mappingCount);
  assert.ok(second.committedBytes <= first.committedBytes);
}

function tellPace(t: TestContext, loads: readonly LoadOutcome[]): void {
  for (const { consumer, stepCount, lateCount, stepNsMax } of loads)
    t.diagnostic(`${consumer}: ${stepCount} steps, ${lateCount} late, ${stepNsMax} ns the longest`);
}
