import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { MiB } from '../../base/sizes.ts';
import { RECIPES } from '../recipes/recipes.ts';
import type { Workload } from '../workload.ts';
import { countDemand } from './mapping-demand.ts';
import type { LoadDemand, MappingDemand } from './mapping-demand.ts';

async function demandOf(workload: Workload, caller: 'as-is' | 'fixed' = 'as-is'): Promise<LoadDemand[]> {
  using heap = openEmbeddedHeap({ capacity: 512 * MiB });
  const demands = await countDemand(workload, { heap, caller, seed: 0 });
  assert.equal(heap.stats().bufferCount, 0);
  return demands;
}

function recipe(name: string): Workload {
  return RECIPES.find((each) => each.name === name) ?? assert.fail(name);
}

/** Calls, mappings, and pages of order 8, 4 and 0. */
function figures({ callCount, mappingCount, pages }: MappingDemand): readonly number[] {
  return [callCount, mappingCount, ...pages.map(({ pageCount }) => pageCount)];
}

test('countDemand() of buffers that stay in their slots has mappings at the start alone', async () => {
  const [demand] = await demandOf(recipe('usb-camera'));
  assert.ok(demand !== undefined);
  // Eight buffers of 1920 by 1080 in YUYV: 1,013 pages.
  assert.deepEqual(figures(demand.start), [8, 8, 8 * 768, 8 * 240, 8 * 5]);
  assert.deepEqual(figures(demand.step), [0, 0, 0, 0, 0]);
});

test('countDemand() of buffers that change their slots has all but one of a round mapped anew', async () => {
  const [demand] = await demandOf(recipe('usb-camera-shuffled'));
  assert.ok(demand !== undefined);
  // The first of a round is still mapped by the slot that it comes from.
  assert.deepEqual(figures(demand.step), [1, 7 / 8, (768 * 7) / 8, (240 * 7) / 8, (5 * 7) / 8]);
});

test('countDemand() counts second users as calls, and no pages for them', async () => {
  const [demand] = await demandOf(recipe('npu-sessions'));
  assert.ok(demand !== undefined);
  assert.deepEqual(
    [figures(demand.start), figures(demand.step)],
    [
      [2, 1, 1024, 0, 0],
      [2, 1, 1024, 0, 0],
    ],
  );
});

test('countDemand() has each consumer of a workload by itself, and drivers as they are or mended', async () => {
  const two = {
    ...recipe('frame-processing'),
    loads: [...recipe('frame-processing').loads, ...recipe('task-fences').loads],
  };
  const [asIs, fences] = await demandOf(two);
  const [fixed] = await demandOf(two, 'fixed');
  // Three pictures of 3840 by 2160 in NV12: 3,038 pages; four buffers of 16 pages.
  assert.deepEqual(figures(asIs?.step ?? assert.fail()), [3, 3, 3 * 2816, 3 * 208, 3 * 14]);
  assert.deepEqual(figures(fixed?.step ?? assert.fail()), [0, 0, 0, 0, 0]);
  assert.deepEqual(figures(fences?.step ?? assert.fail()), [4, 4, 0, 64, 0]);
});
