/**
 * Goal: however users of one buffer map and unmap it, the exporter is called for the first and the
 * last alone, all see the same address, and nothing is mapped when nobody uses it.
 *
 * Method: seeded users of three buffers, two to eight each, map, write, read and unmap through the
 * locked and the unlocked functions, with mappings that fail now and then. A twin counts users.
 *
 * A failure names its seed: DMABUF_FUZZ_SEED=<seed> makes that run the first. DMABUF_FUZZ_STEPS is
 * the number of events, 20,000 unless given.
 */

import assert from 'node:assert/strict';
import { env } from 'node:process';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { KiB, MiB } from '../../base/sizes.ts';
import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { testOverlappingUsers } from '../../../test/workload/overlapping-users.ts';
import { KernelFunctions } from './kernel-functions.ts';

checkLeaksAfterFile();

const STEP_COUNT = Number(env['DMABUF_FUZZ_STEPS'] ?? 20_000);
const SITE = { path: ['fuzz'] };

testOverlappingUsers({
  name: 'embedded',
  missing: false,
  open: () => openEmbeddedHeap({ capacity: 16 * MiB }),
  stepCount: STEP_COUNT,
});

test('unmapping what nobody has mapped is refused, and leaves the count at zero', async () => {
  using heap = openEmbeddedHeap({ capacity: MiB });
  const buffer = heap.allocate(4 * KiB);
  const kernel = new KernelFunctions();
  await assert.rejects(kernel.vunmapUnlocked(buffer, SITE), (error) => isDmaBufError(error, 'EINVAL'));
  await kernel.vmapUnlocked(buffer, SITE);
  await kernel.vunmapUnlocked(buffer, SITE);
  assert.equal(kernel.mapCount(buffer), 0);
  buffer.close();
});
