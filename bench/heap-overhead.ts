/**
 * The overhead of this package over the system calls of a buffer's life: compared with a C program
 * that makes the same calls.
 */

import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { CleanupStack } from '../src/base/cleanup.ts';
import { formatSize, KiB, MiB } from '../src/base/sizes.ts';
import { openEmbeddedHeap } from '../src/backend/embedded/embedded-heap.ts';
import { importBuffer } from '../src/backend/fd-buffer/import-buffer.ts';
import { openHeap } from '../src/backend/open-heap.ts';
import type { Heap } from '../src/heap/heap.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { median } from '../src/base/median.ts';
import type { JudgedRow } from './judged-row.ts';
import { PeerProcess } from './peer-process.ts';
import { toBenchRow } from './row.ts';
import { medianOrNull, nsSince, takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';

export interface HeapOverheadBenchOptions {
  /** The program `dma-heap`, built. */
  readonly peer: CPeer;
  readonly turns?: Turns;
}

const TURNS_DEFAULT: Turns = { turns: 9, roundsPerTurn: 5, warmupRounds: 2 };
/**
 * Enough for the engine to have compiled microsecond-long code with full optimization. It does so
 * on another thread, which needs the core too.
 */
const COMPILING = { rounds: 400, pauseMs: 1 };
/** The target overhead outside the emulator, in C's time. */
const OF_C = 1 / 3;
const IN_C = 'C, the same system calls';

/** The source of the buffers. */
interface Source {
  /** Its name for the C program. */
  readonly path: string;
  readonly open: () => Heap;
  readonly missing: string | undefined;
}

/** A measured operation on a buffer. */
interface Step {
  /** Its name for the C program. */
  readonly name: 'allocate' | 'map' | 'sync' | 'import';
  readonly what: string;
  readonly ours: string;
  readonly length: number;
  /**
   * Operations in one round: many enough that reading the clock does not matter, few enough that
   * rounds seldom lose the core to another program.
   */
  readonly count: number;
  /** Whether it takes a dma-buf. */
  readonly needsDmaBuf?: boolean;
  /** Prepares `heap`, and returns the operation, done {@link count} times. */
  readonly prepare: (heap: Heap, cleanup: CleanupStack) => () => void;
}

function missingDevice(path: string): string | undefined {
  return existsSync(path) ? undefined : `this machine has no ${path}: npm run vm boots one that has`;
}

const HEAP_PATH = '/dev/dma_heap/system';
const UDMABUF_PATH = '/dev/udmabuf';

function sources(): readonly Source[] {
  return [
    {
      path: HEAP_PATH,
      open: () => openHeap('system', { backends: ['kernel'] }),
      missing: missingDevice(HEAP_PATH),
    },
    {
      path: UDMABUF_PATH,
      open: () => openHeap('system', { backends: ['udmabuf'] }),
      missing: missingDevice(UDMABUF_PATH),
    },
    {
      path: 'memfd',
      open: () => openEmbeddedHeap(),
      missing: existsSync(UDMABUF_PATH) ? `shareable buffers are udmabufs here, through ${UDMABUF_PATH}` : undefined,
    },
  ];
}

const SMALL = 4 * KiB;

/** In the form of AOSP's dmabuf_heap_bench. */
const ALLOCATIONS: readonly Step[] = (
  [
    [SMALL, 20],
    [MiB, 20],
    [8 * MiB, 4],
    [32 * MiB, 1],
  ] as const
).map(([length, count]) => ({
  name: 'allocate',
  what: `allocated and closed, ${formatSize(length)}`,
  ours: 'allocate(), close()',
  length,
  count,
  prepare: (heap) => () => heap.allocate(length, { shareable: true }).close(),
}));

const STEPS: readonly Step[] = [
  ...ALLOCATIONS,
  ...[SMALL, 8 * MiB].map((length): Step => ({
    name: 'map',
    what: `mapped and unmapped, ${formatSize(length)}`,
    ours: 'vmap(), close()',
    length,
    count: length > MiB ? 10 : 20,
    prepare: (heap, cleanup) => {
      const buffer = heap.allocate(length, { shareable: true });
      cleanup.defer(() => buffer.close());
      return () => buffer.vmap().close();
    },
  })),
  {
    name: 'sync',
    what: 'begin and end of CPU access, mapped already',
    ours: 'beginCpuAccessSync(), end()',
    length: SMALL,
    count: 20,
    needsDmaBuf: true,
    prepare: (heap, cleanup) => {
      const buffer = heap.allocate(SMALL, { shareable: true });
      cleanup.defer(() => buffer.close());
      const view = buffer.vmap();
      cleanup.defer(() => view.close());
      return () => buffer.beginCpuAccessSync('readwrite').end();
    },
  },
  {
    name: 'import',
    what: 'taken over from a descriptor and closed',
    ours: 'importBuffer(), close()',
    length: SMALL,
    count: 20,
    prepare: (heap, cleanup) => {
      const buffer = heap.allocate(SMALL, { shareable: true });
      const fd = buffer.exportFd();
      cleanup.defer(() => fd.close());
      buffer.close();
      return () => importBuffer(fd).close();
    },
  },
];

function roundOf({ count, prepare }: Step, heap: Heap, cleanup: CleanupStack): () => number {
  const doOnce = prepare(heap, cleanup);
  return () => {
    const start = process.hrtime.bigint();
    for (let index = 0; index < count; index += 1) doOnce();
    return nsSince(start) / count;
  };
}

async function letCompile(round: () => number): Promise<void> {
  for (let index = 0; index < COMPILING.rounds; index += 1) {
    round();
    await setTimeout(COMPILING.pauseMs);
  }
}

function roundInC({ name, length, count }: Step, program: PeerProcess): () => Promise<number> {
  return async () => {
    const [tookNs = 0] = await program.round(`${name} ${length} ${count}`);
    return tookNs / count;
  };
}

async function* rowsOf(
  source: Source,
  { peer, turns = TURNS_DEFAULT }: HeapOverheadBenchOptions,
): AsyncGenerator<JudgedRow> {
  const cleanup = new CleanupStack();
  try {
    const heap = source.open();
    cleanup.defer(() => heap.close());
    const program = peer.built ? new PeerProcess(peer.path, [source.path]) : undefined;
    cleanup.defer(() => program?.close());
    for (const step of STEPS) {
      if (step.needsDmaBuf === true && !heap.deviceImportable) continue;
      const inC = program === undefined ? undefined : roundInC(step, program);
      const round = roundOf(step, heap, cleanup);
      if (step.length === SMALL) await letCompile(round);
      const [oursNs, peerNs] = await takeTurns([round, inC], turns);
      const subject = `a heap buffer, ${step.what}, from ${source.path}`;
      const times = { oursNs: median(oursNs), peerNs: medianOrNull(peerNs) };
      const isJudged = source.path === 'memfd' && step.length === SMALL && step.name !== 'map';
      yield toBenchRow({ subject, ours: step.ours, peer: IN_C, ...times, ...(isJudged ? { target: OF_C } : {}) });
    }
  } finally {
    cleanup.unwind();
  }
}

export async function* heapOverheadRows(options: HeapOverheadBenchOptions): AsyncGenerator<JudgedRow, void, undefined> {
  for (const source of sources()) {
    if (source.missing === undefined) yield* rowsOf(source, options);
    else {
      const ours = `n/a: ${source.missing}`;
      yield toBenchRow({ subject: `a heap buffer, from ${source.path}`, ours, oursNs: null, peer: IN_C, peerNs: null });
    }
  }
}
