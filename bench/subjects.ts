import { toByteLength } from '../src/base/quantities.ts';
import { MiB } from '../src/base/sizes.ts';
import { allocationRows } from './allocation.ts';
import { blitRows } from './blit.ts';
import { conversionRows } from './conversion.ts';
import { borderRows } from './border.ts';
import { cameraRows } from './camera.ts';
import { fleetRows } from './fleet.ts';
import { gstreamerRows } from './gstreamer.ts';
import { handOverRows } from './hand-over.ts';
import { hugePageRows } from './huge-pages.ts';
import { heapOverheadRows } from './heap-overhead.ts';
import type { JudgedRow } from './judged-row.ts';
import { kernelVmapRows } from './kernel-vmap.ts';
import { labRows } from './lab.ts';
import { listingRows } from './listing.ts';
import type { Peers } from './peers.ts';
import { predictionRows } from './predictions.ts';
import { readTraceRows } from './read-trace.ts';
import { startUpRows } from './start-up.ts';
import { vmapRows } from './vmap.ts';

type Rows = Iterable<JudgedRow> | AsyncIterable<JudgedRow>;

/** A measured subject. */
export interface BenchSubject {
  readonly name: string;
  /** Measures while it is iterated. */
  readonly rows: (peers: Peers) => Rows;
  /**
   * A row of each kind in about a second, to test that everything runs. The figures mean little.
   */
  readonly rowsQuickly: (peers: Peers) => Rows;
}

const QUICK_LENGTH = toByteLength(16 * MiB);
const QUICK_MACHINE = { processCount: 10, descriptorCount: 400, bufferCount: 300 };
const QUICK_TURNS = { turns: 1, roundsPerTurn: 5, warmupRounds: 2 };

export const BENCH_SUBJECTS: readonly BenchSubject[] = [
  {
    name: 'conversion',
    rows: ({ conversion, conversionNative }) => conversionRows({ peer: conversion, nativePeer: conversionNative }),
    rowsQuickly: ({ conversion, conversionNative }) =>
      conversionRows({
        peer: conversion,
        nativePeer: conversionNative,
        mixes: ['fresh', 'single-pages'],
        lengths: [QUICK_LENGTH],
        turns: 1,
      }),
  },
  {
    name: 'vmap',
    rows: ({ vmap }) => vmapRows({ peer: vmap }),
    rowsQuickly: ({ vmap }) =>
      vmapRows({ peer: vmap, length: toByteLength(2 * QUICK_LENGTH), curveLength: QUICK_LENGTH }),
  },
  {
    name: 'allocation',
    rows: ({ memfd }) => allocationRows({ peer: memfd }),
    rowsQuickly: ({ memfd }) => allocationRows({ peer: memfd, turns: QUICK_TURNS }),
  },
  {
    name: 'huge-pages',
    rows: ({ hugePages }) => hugePageRows({ peer: hugePages }),
    // Tests run it beside other tests, so it must not change the machine.
    rowsQuickly: ({ hugePages }) => hugePageRows({ peer: hugePages, missing: 'nothing is set in a quick run' }),
  },
  {
    name: 'border',
    rows: ({ addon }) => borderRows({ peer: addon }),
    rowsQuickly: ({ addon }) => borderRows({ peer: addon, turns: QUICK_TURNS }),
  },
  {
    name: 'hand-over',
    rows: () => handOverRows(),
    rowsQuickly: () => handOverRows({ turns: QUICK_TURNS }),
  },
  {
    name: 'heap-overhead',
    rows: ({ dmaHeap }) => heapOverheadRows({ peer: dmaHeap }),
    rowsQuickly: ({ dmaHeap }) => heapOverheadRows({ peer: dmaHeap, turns: QUICK_TURNS }),
  },
  {
    name: 'camera',
    rows: ({ camera }) => cameraRows({ peer: camera }),
    rowsQuickly: ({ camera }) => cameraRows({ peer: camera, turns: QUICK_TURNS, counts: { warmup: 5, measured: 5 } }),
  },
  {
    name: 'kernel-vmap',
    rows: () => kernelVmapRows(),
    rowsQuickly: () => kernelVmapRows({ lengths: [QUICK_LENGTH] }),
  },
  {
    name: 'listing',
    rows: () => listingRows(),
    rowsQuickly: () => listingRows({ smallest: QUICK_MACHINE, doublings: 2, largest: QUICK_MACHINE }),
  },
  {
    name: 'blit',
    rows: ({ blit, blitNative }) => blitRows({ peer: blit, nativePeer: blitNative }),
    rowsQuickly: ({ blit, blitNative }) =>
      blitRows({
        peer: blit,
        nativePeer: blitNative,
        turns: { turns: 1, roundsPerTurn: 2, warmupRounds: 0 },
        formats: ['YUYV', 'XRGB8888'],
      }),
  },
  {
    name: 'gstreamer',
    rows: () => gstreamerRows(),
    rowsQuickly: () => gstreamerRows({ frameCount: 40, turnCount: 1 }),
  },
  {
    name: 'lab',
    rows: () => labRows(),
    rowsQuickly: () =>
      labRows({
        capacity: 64 * MiB,
        drawingCount: 3,
        turns: { turns: 1, roundsPerTurn: 1, warmupRounds: 0 },
        lifeCount: 500,
      }),
  },
  {
    name: 'trace',
    rows: () => readTraceRows(),
    rowsQuickly: () => readTraceRows({ bytes: 1e6, turns: { turns: 1, roundsPerTurn: 1, warmupRounds: 0 } }),
  },
  {
    name: 'fleet',
    rows: () => fleetRows(),
    rowsQuickly: () => fleetRows({ eventCount: 2000, fileCount: 2 }),
  },
  {
    name: 'predictions',
    rows: () => predictionRows(),
    rowsQuickly: () => predictionRows({ names: ['task-fences'], rounds: 1 }),
  },
  {
    name: 'start-up',
    rows: () => startUpRows(),
    rowsQuickly: () => startUpRows({ turns: { turns: 1, roundsPerTurn: 1, warmupRounds: 0 } }),
  },
];
