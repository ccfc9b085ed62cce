import { toByteLength } from '../src/base/quantities.ts';
import { MiB } from '../src/base/sizes.ts';
import { allocationRows } from './allocation.ts';
import { conversionRows } from './conversion.ts';
import { ffiRows } from './ffi.ts';
import { handOverRows } from './hand-over.ts';
import { heapOverheadRows } from './heap-overhead.ts';
import type { JudgedRow } from './judged-row.ts';
import type { Peers } from './peers.ts';
import { vmapRows } from './vmap.ts';

type Rows = Iterable<JudgedRow> | AsyncIterable<JudgedRow>;

/** Something that is measured. */
export interface BenchSubject {
  readonly name: string;
  /** Measures as it is iterated. */
  readonly rows: (peers: Peers) => Rows;
  /** A row of each kind in a second or so: whether everything runs. The figures mean little. */
  readonly rowsQuickly: (peers: Peers) => Rows;
}

const QUICK_LENGTH = toByteLength(16 * MiB);
const QUICK_TURNS = { turns: 1, roundsPerTurn: 5, warmupRounds: 2 };

export const BENCH_SUBJECTS: readonly BenchSubject[] = [
  {
    name: 'conversion',
    rows: ({ conversion }) => conversionRows({ peer: conversion }),
    rowsQuickly: ({ conversion }) =>
      conversionRows({ peer: conversion, mixes: ['B', 'E'], lengths: [QUICK_LENGTH], turns: 1 }),
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
    name: 'ffi',
    rows: ({ addon }) => ffiRows({ peer: addon }),
    rowsQuickly: ({ addon }) => ffiRows({ peer: addon, turns: QUICK_TURNS }),
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
];
