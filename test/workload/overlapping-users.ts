/**
 * Users of one buffer who map and unmap it at random: the exporter is called for the first and the
 * last alone, and all see the same address.
 */

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { env } from 'node:process';
import { test } from 'node:test';

import { DmaBufError, isDmaBufError } from '../../src/base/errors.ts';
import { UINT_MAX } from '../../src/base/limits.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { KiB, MiB } from '../../src/base/sizes.ts';
import type { DmaBuf } from '../../src/heap/dma-buf.ts';
import type { Heap } from '../../src/heap/heap.ts';
import type { BufferView } from '../../src/heap/view.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';

const SEED_FIRST = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(UINT_MAX));
const SITE = { path: ['fuzz'] };
const USERS_MAX = 8;

/** A buffer, and what a plain count says of it. */
interface Twin {
  readonly buffer: DmaBuf;
  users: number;
  view: BufferView | undefined;
  byte: number;
}

class OverlappingUsers {
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

/** A heap on which buffers are mapped, and how often. */
export interface OverlapRun {
  readonly name: string;
  /** Why it is not to be had here. */
  readonly missing: string | false;
  readonly open: () => Heap;
  /** Mappings and unmappings. */
  readonly stepCount: number;
}

export function testOverlappingUsers({ name, missing, open, stepCount }: OverlapRun): void {
  const title = `${name}: the exporter maps for the first of several users, and unmaps for the last`;
  test(title, { skip: missing }, async (t) => {
    using heap = open();
    t.diagnostic(`DMABUF_FUZZ_SEED=${SEED_FIRST}`);
    const buffers = [4 * KiB, 68 * KiB, MiB].map((length) => heap.allocate(length));
    const users = new OverlappingUsers(SEED_FIRST, buffers);
    for (let step = 0; step < stepCount; step += 1) await users.step();
    await users.end();
    for (const buffer of buffers) buffer.close();
    assert.equal(heap.stats().bufferCount, 0);
  });
}
