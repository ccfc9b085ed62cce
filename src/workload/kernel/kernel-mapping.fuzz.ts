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
import { randomInt } from 'node:crypto';
import { env } from 'node:process';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { UINT_MAX } from '../../base/limits.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { KiB, MiB } from '../../base/sizes.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { KernelFunctions } from './kernel-functions.ts';

checkLeaksAfterFile();

const SEED_FIRST = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(UINT_MAX));
const STEP_COUNT = Number(env['DMABUF_FUZZ_STEPS'] ?? 20_000);
const SITE = { path: ['fuzz'] };
const USERS_MAX = 8;

/** A buffer, and what a plain count says of it. */
interface Twin {
  readonly buffer: DmaBuf;
  users: number;
  view: BufferView | undefined;
  byte: number;
}

class Siege {
  readonly #random: SeededRandom;
  readonly #kernel: KernelFunctions;
  readonly #twins: readonly Twin[];
  #mayFail = false;
  /** By the exporter's steps: 'vmap' is its last. */
  #exporterCalls = 0;

  constructor(seed: number, buffers: readonly DmaBuf[]) {
    this.#random = new SeededRandom(seed);
    this.#twins = buffers.map((buffer) => ({ buffer, users: 0, view: undefined, byte: 0 }));
    this.#kernel = new KernelFunctions({
      conversion: this.#random.below(2) === 0 ? 'page' : 'entry',
      beforeCall: (name) => {
        if (name === 'vmap') this.#exporterCalls += 1;
        if (this.#mayFail) throw new DmaBufError('as the fuzz wants', { code: 'ENOMEM' });
      },
    });
  }

  async step(): Promise<void> {
    const twin = this.#twins[this.#random.below(this.#twins.length)] as Twin;
    const isMapping = twin.users === 0 || (twin.users < USERS_MAX && this.#random.below(2) === 0);
    await (isMapping ? this.#map(twin) : this.#unmap(twin));
    assert.equal(this.#kernel.mapCount(twin.buffer), twin.users);
    if (twin.view !== undefined) this.#touch(twin, twin.view);
  }

  async end(): Promise<void> {
    for (const twin of this.#twins) while (twin.users > 0) await this.#unmap(twin);
  }

  async #map(twin: Twin): Promise<void> {
    const calls = this.#exporterCalls;
    this.#mayFail = this.#random.below(8) === 0;
    const view = await this.#mapEither(twin.buffer).catch((error: unknown) => {
      assert.ok(isDmaBufError(error, 'ENOMEM') && this.#mayFail && twin.users === 0);
      return undefined;
    });
    if (view === undefined) return;
    assert.equal(this.#exporterCalls - calls, twin.users === 0 ? 1 : 0);
    if (twin.view !== undefined) assert.equal(view, twin.view);
    twin.view = view;
    twin.users += 1;
  }

  async #mapEither(buffer: DmaBuf): Promise<BufferView> {
    if (this.#random.below(2) === 0) return await this.#kernel.vmapUnlocked(buffer, SITE);
    return await this.#kernel.reserve(buffer, () => this.#kernel.vmap(buffer, SITE));
  }

  async #unmap(twin: Twin): Promise<void> {
    const { buffer, view } = twin;
    if (this.#random.below(2) === 0) await this.#kernel.vunmapUnlocked(buffer, SITE);
    else await this.#kernel.reserve(buffer, () => this.#kernel.vunmap(buffer, SITE));
    twin.users -= 1;
    assert.equal(view?.closed, twin.users === 0);
    if (twin.users === 0) twin.view = undefined;
  }

  /** What one user writes, the next reads, and it outlives every mapping. */
  #touch(twin: Twin, view: BufferView): void {
    const bytes = view.subarray(twin.buffer.length - 1, 1);
    assert.equal(bytes[0], twin.byte);
    twin.byte = this.#random.below(256);
    bytes[0] = twin.byte;
  }
}

test('the exporter maps for the first of several users, and unmaps for the last', async (t) => {
  using heap = openEmbeddedHeap({ capacity: 16 * MiB });
  t.diagnostic(`DMABUF_FUZZ_SEED=${SEED_FIRST}`);
  const buffers = [4 * KiB, 68 * KiB, MiB].map((length) => heap.allocate(length));
  const siege = new Siege(SEED_FIRST, buffers);
  for (let step = 0; step < STEP_COUNT; step += 1) await siege.step();
  await siege.end();
  for (const buffer of buffers) buffer.close();
  assert.equal(heap.stats().bufferCount, 0);
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
