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
import type { Workload } from '../../src/workload/workload.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/runner/leak-check.ts';
import { untilThreadsSleep } from '../support/runner/until-threads-sleep.ts';
import { readFamilyHoldings } from './family-holdings.ts';
import type { FamilyHoldings } from './family-holdings.ts';

checkLeaksAfterFile();

/** After the warm-up. */
const SECONDS = Number(process.env['DMABUF_WORKLOAD_SECONDS'] ?? 0.2);

/** A step of each load and more, to begin with. */
const SHORT_SECONDS = 0.1;

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
    // No cache: it keeps as much of large buffers as it has room for, not the same each time.
    using heap = openEmbeddedHeap({ capacity: GiB, cached: 0 });
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

/**
 * What a run holds after its last step, before it ends: no load is within a step then.
 *
 * @param steps after how many of all loads
 */
async function heldAfterSteps(steps: number, run: (onStep: () => void) => Promise<unknown>): Promise<FamilyHoldings> {
  let held: FamilyHoldings | undefined;
  let count = 0;
  await run(() => {
    count += 1;
    if (count === steps) held = readFamilyHoldings();
  });
  return held ?? assert.fail(`${count} steps instead of ${steps}`);
}

/** Chunks of a shared pool come to be as its threads meet, and stay until it ends. */
function comparable({ loads }: Workload, { descriptorCount, ...memory }: FamilyHoldings): Partial<FamilyHoldings> {
  const hasPool = loads.some(({ consumer }) => consumer === 'apusys-shared-pool');
  return hasPool ? { descriptorCount } : { descriptorCount, ...memory };
}

/** Threads and processes take with them what they had: it is looked at before they end. */
for (const recipe of RECIPES.filter(isPlaced)) {
  test(`${recipe.name} holds after its last step what a short run held, and leaves nothing behind`, async (t) => {
    using heap = openEmbeddedHeap({ capacity: GiB });
    const run = async (seconds: number): Promise<FamilyHoldings> => {
      const steps = recipe.loads.reduce((all, load) => all + Math.ceil(seconds * load.stepsPerSecond), 0);
      return await heldAfterSteps(steps, async (onStep) => {
        const options = { heap, caller: 'as-is', conversion: 'page', seed: 1, extent: { seconds }, onStep } as const;
        tellPace(t, (await runWorkload(recipe, options)).loads);
      });
    };
    const short = await run(SHORT_SECONDS);
    await untilThreadsSleep();
    const before = await settled(() => heldBy(heap));
    const long = await run(SECONDS);
    t.diagnostic(`a short run held ${JSON.stringify(short)}, this one ${JSON.stringify(long)}`);
    assert.deepEqual(comparable(recipe, long), comparable(recipe, short));
    await assertSettles(() => heldBy(heap), before);
  });
}

function tellPace(t: TestContext, loads: readonly LoadOutcome[]): void {
  for (const { consumer, stepCount, lateCount, stepNsMax } of loads)
    t.diagnostic(`${consumer}: ${stepCount} steps, ${lateCount} late, ${stepNsMax} ns the longest`);
}
