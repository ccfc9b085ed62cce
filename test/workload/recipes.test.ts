/** The recipes: how often each maps, by what is known of its driver. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { RECIPES } from '../../src/workload/recipes/recipes.ts';
import { runWorkload } from '../../src/workload/run-workload.ts';
import type { RunWorkloadOptions, WorkloadOutcome } from '../../src/workload/run-workload.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

/** Undefined: it depends on which thread comes first. */
type Count = number | undefined;

/** Mappings in ten steps: with the drivers as they are, and with those that are fixed. */
const MAPPINGS: Readonly<Record<string, readonly [asIs: Count, fixed: Count]>> = {
  // Once, at load.
  'always-on-vision': [1, 1],
  // Eight buffers of five nodes, each once; fixed, both images drop out.
  'camera-preview': [40, 24],
  // Five for each request.
  'camera-preview-shuffled': [50, 30],
  // The image of eight frames drops out; the configuration does not.
  'slow-motion': [20, 10],
  // The one chunk of a session, twice.
  'npu-sessions': [20, 20],
  'model-load': [10, 0],
  'usb-camera': [8, 8],
  'usb-camera-shuffled': [10, 10],
  'usb-camera-mjpeg': [10, 10],
  'shadow-plane': [10, 10],
  'shadow-plane-4k': [10, 10],
  'shadow-plane-small-damage': [10, 10],
  'vmwgfx-blit': [20, 20],
  // Four buffers; fixed, each once.
  'capture-metadata': [10, 4],
  'task-fences': [40, 40],
  'kept-mappings': [10, 10],
  'frame-processing': [30, 0],
  // Two planes and metadata; fixed, metadata alone.
  decoder: [30, 10],
  'decoder-1080p': [30, 10],
  'decoder-8k': [30, 10],
  // The mapper's ten; the other four do not map.
  contention: [10, 10],
  'contention-of-processes': [10, 10],
  // In each launch of three, four working buffers and five nodes; two chunks, each twice.
  'camera-launch': [310, 250],
  // Ten of each thread.
  'model-load-beside': [20, 0],
  // Each chunk twice, as many as there came to be: not the same in every run.
  'pool-growth': [undefined, undefined],
  // Three plain images for each.
  'still-capture': [30, 0],
  'still-capture-200mp': [20, 0],
  'sync-after-map': [1, 1],
};

async function run(name: string, options: Partial<RunWorkloadOptions>): Promise<WorkloadOutcome> {
  using heap = openEmbeddedHeap({ capacity: 512 * MiB });
  const workload = RECIPES.find((recipe) => recipe.name === name) ?? assert.fail(name);
  const outcome = await runWorkload(workload, {
    heap,
    caller: 'as-is',
    conversion: 'page',
    seed: 1,
    extent: { stepCount: 10 },
    ...options,
  });
  assert.equal(heap.stats().bufferCount, 0);
  return outcome;
}

test('every recipe has a count of mappings', () => {
  assert.deepEqual(
    RECIPES.map(({ name }) => name),
    Object.keys(MAPPINGS),
  );
});

for (const [name, [asIs, fixed]] of Object.entries(MAPPINGS)) {
  test(`${name} maps ${asIs ?? 'some'} times in ten steps, and ${fixed ?? 'some'} where drivers are fixed`, async () => {
    const [before, after] = [await run(name, { caller: 'as-is' }), await run(name, { caller: 'fixed' })];
    const counts = [before, after].map(({ report }) => report.mappingCount);
    if (asIs !== undefined) assert.deepEqual(counts, [asIs, fixed]);
    assert.deepEqual(
      before.loads.map(({ stepCount, lateCount }) => [stepCount, lateCount]),
      before.loads.map(() => [10, undefined]),
    );
  });
}

test('a workload in real time takes the time it was given, and counts what is late', async () => {
  const since = performance.now();
  const { loads } = await run('kept-mappings', { extent: { seconds: 0.5 } });
  const [load] = loads;
  assert.equal(load?.stepCount, 15);
  assert.ok(performance.now() - since >= (14 / 30) * 1000);
  assert.ok(load.lateCount !== undefined && load.lateCount <= 15 && load.stepNsMax > 0);
});

test('a workload that is aborted gives back what it had', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  let steps = 0;
  const onStep = (): void => {
    steps += 1;
    if (steps === 3) controller.abort(reason);
  };
  await assert.rejects(run('shadow-plane', { signal: controller.signal, onStep }), reason);
  assert.equal(steps, 3);
});

test('where one consumer fails, the others end, and all is given back', async () => {
  using heap = openEmbeddedHeap({ capacity: 64 * MiB });
  const fence = { consumer: 'nvidia-pva', lengthBytes: 4096, bufferCount: 2, fenceCount: 1 } as const;
  const loads = [
    { ...fence, stepsPerSecond: 1000 },
    { ...fence, stepsPerSecond: 500 },
  ];
  let steps = 0;
  const onStep = (): void => {
    steps += 1;
    if (steps === 5) throw new Error('the fifth step fails');
  };
  const workload = { name: 'two', title: '', basis: '', loads };
  const options = { heap, caller: 'as-is', conversion: 'page', seed: 0, extent: { seconds: 60 }, onStep } as const;
  await assert.rejects(runWorkload(workload, options), /the fifth step fails/u);
  // The other one was at most within a step.
  assert.ok(steps <= 6, `${steps} steps`);
  assert.equal(heap.stats().bufferCount, 0);
});

test('a workload that cannot keep up can be aborted all the same', async () => {
  using heap = openEmbeddedHeap({ capacity: 64 * MiB });
  const fence = { consumer: 'nvidia-pva', lengthBytes: 4096, bufferCount: 2, fenceCount: 1 } as const;
  const workload = { name: 'too-fast', title: '', basis: '', loads: [{ ...fence, stepsPerSecond: 1e9 }] };
  const controller = new AbortController();
  const reason = new Error('enough');
  setTimeout(() => controller.abort(reason), 20);
  const options = { heap, caller: 'as-is', conversion: 'page', seed: 0, extent: { seconds: 60 } } as const;
  await assert.rejects(runWorkload(workload, { ...options, signal: controller.signal }), reason);
});

test('the same seed gives the same mappings, in their order', async () => {
  const sizesOf = async (seed: number): Promise<(number | undefined)[]> => {
    const sizes: (number | undefined)[] = [];
    await run('npu-sessions', {
      seed,
      onRecord: (record) => void sizes.push('sizeBytes' in record ? record.sizeBytes : -1),
    });
    return sizes;
  };
  assert.deepEqual(await sizesOf(5), await sizesOf(5));
});
