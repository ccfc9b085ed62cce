/** What a recording tells of mappings, beside what kernel modules measured of the same ones. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { median } from '../../src/base/median.ts';
import { MiB, openHeap } from '../../src/index.ts';
import type { OwnedFd } from '../../src/linux/calls/fd.ts';
import { KernelVmapCalls } from '../../src/linux/calls/kernel-vmap-calls.ts';
import type { KernelVmapTimes } from '../../src/linux/calls/kernel-vmap-calls.ts';
import { recordMappings, TraceAnalysis } from '../../src/trace/index.ts';
import type { MappingEvent, TraceReport } from '../../src/trace/index.ts';
import { loadModule, missingModules, unloadModule } from '../support/devices/own-modules.ts';
import { Standin } from '../support/devices/standin.ts';
import type { HeldLock } from '../support/devices/standin.ts';

const skip = missingModules();
const MODULES = ['dmabuf_measure', 'dmabuf_standin'] as const;
const ROUNDS = 24;
/** What is compared are the medians of so many at least, of one recording. */
const UNDISTURBED_MIN = 9;
/** Threads of this process compile and collect at first, on the only processor. */
const RECORDINGS_MAX = 10;
/** In a guest that counts instructions. */
const DIFFERENCE_MAX = 0.05;
const HOLD_MS = 500;
const HELD_ROUNDS = 3;
/** The lock is taken long before, and let go long after. */
const MAP_AFTER_MS = 100;
/** Of a lock that nobody holds, and of the probes between a call and its event. */
const NO_WAIT_NS_MAX = 1_000_000;
const HELD_NS_MIN = ((HOLD_MS - MAP_AFTER_MS) / 4) * 1e6;

before(() => {
  if (skip === false) MODULES.forEach((name) => loadModule(name));
});
after(() => {
  if (skip === false) MODULES.forEach((name) => unloadModule(name));
});

function allocate(t: TestContext, length: number): OwnedFd {
  const heap = openHeap('system', { backends: ['kernel'] });
  t.after(() => heap.close());
  const fd = heap.allocate(length).exportFd();
  t.after(() => fd.close());
  return fd;
}

async function recorded(body: () => void | Promise<void>): Promise<{ mappings: MappingEvent[]; report: TraceReport }> {
  const recording = recordMappings();
  const mappings: MappingEvent[] = [];
  const analysis = new TraceAnalysis();
  await body();
  recording.stop();
  for await (const record of recording) {
    analysis.add(record);
    if (record.kind === 'mapping') mappings.push(record);
  }
  return { mappings, report: analysis.report() };
}

function isUndisturbed(mapping: MappingEvent | undefined): boolean {
  return mapping !== undefined && (mapping.marks ?? []).length === 0;
}

/** The first recording of such rounds in which nothing else ran during enough of them. */
async function quietRecording(
  measureRounds: () => KernelVmapTimes[],
): Promise<{ mappings: MappingEvent[]; report: TraceReport; rounds: KernelVmapTimes[] }> {
  for (const undisturbedCounts: number[] = []; ;) {
    let rounds: KernelVmapTimes[] = [];
    const { mappings, report } = await recorded(() => void (rounds = measureRounds()));
    assert.equal(mappings.length, ROUNDS);
    const count = mappings.filter(isUndisturbed).length;
    if (count >= UNDISTURBED_MIN) return { mappings, report, rounds };
    undisturbedCounts.push(count);
    const told = `of ${ROUNDS} mappings a recording, so many were undisturbed: ${undisturbedCounts.join(', ')}`;
    assert.ok(undisturbedCounts.length < RECORDINGS_MAX, told);
  }
}

function nsOf({ parts = [] }: MappingEvent, name: string): number {
  return parts.find((part) => part.name === name)?.ns ?? Number.NaN;
}

/** The map function's own time: what its parts leave. */
function conversionNs(mapping: MappingEvent): number {
  const parts = ['vmalloc_noprof', 'vmap', 'vfree'].map((name) => nsOf(mapping, name));
  return nsOf(mapping, 'system_heap_vmap') - parts.reduce((sum, ns) => sum + ns, 0);
}

function assertNear(told: number, measured: number, what: string): void {
  const difference = Math.abs(told - measured) / measured;
  assert.ok(difference <= DIFFERENCE_MAX, `${what}: the recording tells ${told} ns, and the module ${measured} ns`);
}

for (const mebibytes of [64, 256, 1024]) {
  test(`recordMappings() and dmabuf_measure agree within 5 % on a buffer of ${mebibytes} MiB`, { skip }, async (t) => {
    const fd = allocate(t, mebibytes * MiB);
    const calls = new KernelVmapCalls();
    const device = calls.openDevice('/dev/dmabuf-measure');
    t.after(() => device.close());
    const { mappings, report, rounds } = await quietRecording(() =>
      Array.from({ length: ROUNDS }, (_, round) => calls.measureRound(device.borrow(), fd.borrow(), round).times),
    );
    // Of the same rounds: the kernel frees what earlier ones have unmapped during any of them.
    const measured = (name: keyof KernelVmapTimes): number =>
      median(rounds.filter((_, round) => isUndisturbed(mappings[round])).map((times) => times[name]));
    const undisturbed = mappings.filter(isUndisturbed);
    assertNear(median(undisturbed.map(({ durationNs }) => durationNs ?? Number.NaN)), measured('wholeNs'), 'the whole');
    assertNear(median(undisturbed.map((mapping) => nsOf(mapping, 'vmap'))), measured('vmapNs'), 'vmap');
    assertNear(median(undisturbed.map(conversionNs)), measured('byPageNs'), 'the conversion');
    // What by-entry conversion would save of the mappings whose parts are known.
    const savedNs = (measured('byPageNs') - measured('byEntryNs')) * (report.callers[0]?.dividedCount ?? 0);
    const { lowNs = 0, highNs = 0 } = report.savings.byEntry ?? {};
    assert.ok(lowNs <= savedNs * (1 + DIFFERENCE_MAX), `at least ${lowNs} ns, measured ${savedNs} ns`);
    assert.ok(highNs >= savedNs * (1 - DIFFERENCE_MAX), `at most ${highNs} ns, measured ${savedNs} ns`);
  });
}

test(
  "recordMappings() sees the stand-ins of the mail's three callers as it would see the originals",
  { skip },
  async (t) => {
    const fd = allocate(t, MiB);
    const standin = new Standin();
    t.after(() => standin.close());
    const told: { size: number; mapNs: number }[] = [];
    const { mappings, report } = await recorded(() => {
      for (const caller of ['npu', 'cam', 'cam'] as const) told.push(standin.map(caller, fd.borrow()));
    });
    assert.deepEqual(
      mappings.map(({ path }) => path.slice(0, 4)),
      [
        ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'standin_apu_sysmem_alloc', 'standin_mdw_mem_alloc'],
        ...Array.from({ length: 2 }, () => [
          'dma_buf_vmap',
          'dma_buf_vmap_unlocked',
          'standin_cam_vb2_vaddr',
          'standin_vb2_plane_vaddr',
        ]),
      ],
    );
    for (const [index, { sizeBytes, durationNs }] of mappings.entries()) {
      assert.equal(sizeBytes, MiB);
      // The caller's time has the lock and the probes in it.
      assert.ok((durationNs ?? 0) <= (told[index]?.mapNs ?? 0), `${durationNs} ns of ${told[index]?.mapNs} ns`);
    }
    for (const { consumer } of report.callers) {
      assert.deepEqual([consumer.driver, consumer.origin], ['dmabuf_standin', 'out-of-tree']);
      assert.match(consumer.buildId ?? '', /^[0-9a-f]{40}$/u);
    }
  },
);

/** A mapping, as its caller and the holder of the lock saw it. */
interface HeldMapping {
  /** Whether the lock was taken before, and let go long after: either thread may be late. */
  readonly isHeld: boolean;
  readonly leastNs: number;
  readonly mostNs: number;
}

/** Maps while another thread holds the lock. */
async function mapWhileHeld(standin: Standin, fd: OwnedFd): Promise<HeldMapping> {
  const script = new URL('../support/devices/lock-holder.js', import.meta.url);
  const holder = new Worker(script, { workerData: { fd: fd.borrow(), holdMs: HOLD_MS } });
  await once(holder, 'message');
  const released = once(holder, 'message') as Promise<[HeldLock]>;
  const ended = once(holder, 'exit');
  await sleep(MAP_AFTER_MS);
  const mapped = standin.map('cam', fd.borrow());
  const [held] = await released;
  // The module is unloaded later: nobody may have its device open then.
  await ended;
  const leastNs = held.toNs - mapped.fromNs;
  const isHeld = held.fromNs < mapped.fromNs && leastNs > HELD_NS_MIN + NO_WAIT_NS_MAX;
  return { isHeld, leastNs, mostNs: mapped.mapNs };
}

/** The wait is not known where another task wanted the processor before. */
function isWaitKnown(mapping: MappingEvent): boolean {
  return !Number.isNaN(nsOf(mapping, 'ww_mutex_lock'));
}

interface HeldRecording {
  readonly free: readonly MappingEvent[];
  readonly held: readonly { readonly mapping: MappingEvent; readonly told: HeldMapping }[];
}

/** Those mappings, without and with the lock held, whose wait is known. */
async function recordHeld(standin: Standin, fd: OwnedFd): Promise<HeldRecording> {
  const told: HeldMapping[] = [];
  const { mappings } = await recorded(async () => {
    for (let round = 0; round < UNDISTURBED_MIN; round += 1) standin.map('cam', fd.borrow());
    for (let round = 0; round < HELD_ROUNDS; round += 1) told.push(await mapWhileHeld(standin, fd));
  });
  assert.equal(mappings.length, UNDISTURBED_MIN + HELD_ROUNDS);
  const held = mappings
    .slice(UNDISTURBED_MIN)
    .map((mapping, round) => ({ mapping, told: told[round] ?? assert.fail() }))
    .filter((each) => isWaitKnown(each.mapping) && each.told.isHeld);
  return { free: mappings.slice(0, UNDISTURBED_MIN).filter(isWaitKnown), held };
}

/** The first recording with waits of both kinds. */
async function recordBoth(standin: Standin, fd: OwnedFd): Promise<HeldRecording> {
  for (let count = 1; ; count += 1) {
    const recording = await recordHeld(standin, fd);
    if (recording.free.length > 0 && recording.held.length > 0) return recording;
    assert.ok(count < RECORDINGS_MAX, `of ${count} recordings, none knows waits of both kinds`);
  }
}

test("recordMappings() tells how long dma_buf_vmap_unlocked waited for the buffer's lock", { skip }, async (t) => {
  const fd = allocate(t, MiB);
  const standin = new Standin();
  t.after(() => standin.close());
  const { free, held } = await recordBoth(standin, fd);
  assert.ok(median(free.map((mapping) => nsOf(mapping, 'ww_mutex_lock'))) <= NO_WAIT_NS_MAX, JSON.stringify(free));
  for (const { mapping, told } of held) {
    const { leastNs, mostNs } = told;
    const waitedNs = nsOf(mapping, 'ww_mutex_lock');
    const figures = JSON.stringify({ waitedNs, leastNs, mostNs });
    // The event comes a little after the call that it tells of.
    assert.ok(waitedNs >= leastNs - NO_WAIT_NS_MAX && waitedNs <= mostNs, figures);
    assert.ok(waitedNs > HELD_NS_MIN, figures);
    assert.ok((mapping.durationNs ?? Number.NaN) <= mostNs - waitedNs, 'the wait is no part of the duration');
    // Who waits sleeps: whether another task wanted the processor then is up to the machine.
    const { marks: _, ...unmarked } = mapping;
    const analysis = new TraceAnalysis();
    analysis.add(unmarked);
    assert.equal(analysis.report().callers[0]?.partTimes?.['lock-wait'], waitedNs);
  }
});
