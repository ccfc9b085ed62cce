/** Workloads that are made from traces: they do again what the trace shows. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import type { MappingEvent } from '../../src/trace/mapping-event.ts';
import { readTraceFile } from '../../src/trace/read-trace.ts';
import { TraceWorkload } from '../../src/workload/from-trace/workload-of-trace.ts';
import type { WorkloadOfTrace } from '../../src/workload/from-trace/workload-of-trace.ts';
import { RECIPES } from '../../src/workload/recipes/recipes.ts';
import { runWorkload } from '../../src/workload/run-workload.ts';
import type { Workload } from '../../src/workload/workload.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

checkLeaksAfterFile();

const STEP_COUNT = 24;
/** Of these, a load made from a trace maps one buffer a step, where the recipe maps several. */
const ONE_BY_ONE = new Set(['intel-ipu-psys', 'nvidia-pva']);

/** What they do shows in a trace as other drivers' loads, or not at all. */
const CHECKS = new Set(['still-capture', 'still-capture-200mp', 'sync-after-map']);

/** The mappings of a replay. Their times are those of the load's own pace, however long it took. */
async function replay(workload: Workload, stepCount: number): Promise<MappingEvent[]> {
  using heap = openEmbeddedHeap({ capacity: 1024 * MiB });
  const [load] = workload.loads;
  assert.ok(load !== undefined && workload.loads.length === 1);
  const steps: MappingEvent[][] = [[]];
  await runWorkload(workload, {
    heap,
    caller: 'as-is',
    conversion: 'page',
    seed: 0,
    extent: { stepCount },
    onRecord: (record) => void (record.kind === 'mapping' && steps.at(-1)?.push(record)),
    onStep: () => void steps.push([]),
  });
  return steps.flatMap((events, step) =>
    events.map((event, index) => {
      const within = ONE_BY_ONE.has(load.consumer) ? index / events.length : 0;
      return { ...event, time: 100 + (step + within) / load.stepsPerSecond };
    }),
  );
}

/** How often each function mapped each size. */
function countsOf(events: readonly MappingEvent[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { path, sizeBytes } of events) {
    const key = `${path.find((name) => !name.startsWith('dma_buf_'))} ${sizeBytes}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return new Map([...counts].toSorted());
}

async function readWorkload(file: string): Promise<WorkloadOfTrace> {
  const trace = await TraceWorkload.open();
  for await (const record of readTraceFile(file)) trace.add(record);
  return trace.finish({ name: 'mine', basis: 'a test' });
}

for (const recipe of RECIPES.filter(({ name, loads }) => loads.length === 1 && !CHECKS.has(name))) {
  test(`a workload from a trace of ${recipe.name} maps as often, by the same callers, the same sizes`, async (t) => {
    const recorded = await replay(recipe, STEP_COUNT);
    const file = join(temporaryFolder(t), 'recorded.jsonl');
    writeFileSync(file, recorded.map((event) => `${JSON.stringify(event)}\n`).join(''));
    const { workload, mappingCount } = await readWorkload(file);
    assert.equal(mappingCount, recorded.length);
    const [load, original] = [workload?.loads[0], recipe.loads[0]];
    assert.ok(workload !== undefined && load !== undefined && original !== undefined);
    assert.equal(load.consumer, original.consumer);
    const seconds = STEP_COUNT / original.stepsPerSecond;
    const replayed = await replay(workload, Math.round(load.stepsPerSecond * seconds));
    assert.deepEqual(countsOf(replayed), countsOf(recorded));
  });
}

test("the mail's log gives a load for each of its three callers, and tells that it has no sizes", async () => {
  const { workload, notes, unknownCallers } = await readWorkload('test/fixtures/trace/mail-call-traces.txt');
  assert.deepEqual(
    workload?.loads.map(({ consumer }) => consumer),
    ['mtk-aov', 'mtk-camera', 'apusys-pool'],
  );
  assert.deepEqual(unknownCallers, []);
  assert.ok(notes.includes('mtk-camera, mtk_cam_isp8s: sizes are not in the trace: those of camera-preview'));
});

test('a recording of vivid gives its four buffers, which stay in their slots', async () => {
  const { workload, notes } = await readWorkload('test/fixtures/trace/events-fprobe.txt');
  assert.deepEqual(workload?.loads, [
    // 640 by 480 pixels of YUYV.
    {
      consumer: 'vb2-vmalloc',
      driver: 'unknown',
      lengthBytes: 614_400,
      bufferCount: 4,
      slots: 'kept',
      stepsPerSecond: 30,
    },
  ]);
  assert.deepEqual(notes, [
    'vb2-vmalloc: the trace does not name the driver: "unknown"',
    'vb2-vmalloc: its mappings end: 30 steps a second, as in usb-camera',
  ]);
});
