/** What this package adds to the system calls of a buffer's life: beside a C program that makes the same calls. */

import { existsSync } from 'node:fs';

import { CleanupStack } from '../src/base/cleanup.ts';
import { formatSize, KiB, MiB } from '../src/base/sizes.ts';
import { openEmbeddedHeap } from '../src/backend/embedded/index.ts';
import { importBuffer } from '../src/backend/import-buffer.ts';
import { openHeap } from '../src/backend/open-heap.ts';
import type { Heap } from '../src/heap/heap.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { median } from '../src/measure/sampling.ts';
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
const IN_C = 'C, the same system calls';

/** Where buffers come from. */
interface Source {
  /** As the C program is told it. */
  readonly path: string;
  readonly open: () => Heap;
  readonly missing: string | undefined;
}

/** What is done to a buffer, and measured. */
interface Step {
  /** As the C program is told it. */
  readonly name: 'allocate' | 'map' | 'sync' | 'import';
  readonly what: string;
  readonly ours: string;
  readonly length: number;
  /** In one round, so that reading the clock and asking the C program do not count. */
  readonly count: number;
  /** Whether it takes a dma-buf. */
  readonly needsDmaBuf?: boolean;
  /** Prepares `heap`, and returns what is done {@link count} times. */
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

/** In the shape of AOSP's dmabuf_heap_bench. */
const ALLOCATIONS: readonly Step[] = (
  [
    [4 * KiB, 200],
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
  ...[4 * KiB, 8 * MiB].map((length): Step => ({
    name: 'map',
    what: `mapped and unmapped, ${formatSize(length)}`,
    ours: 'vmap(), close()',
    length,
    count: length > MiB ? 10 : 200,
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
    length: 4 * KiB,
    count: 200,
    needsDmaBuf: true,
    prepare: (heap, cleanup) => {
      const buffer = heap.allocate(4 * KiB, { shareable: true });
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
    length: 4 * KiB,
    count: 100,
    prepare: (heap, cleanup) => {
      const buffer = heap.allocate(4 * KiB, { shareable: true });
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
      const [oursNs, peerNs] = await takeTurns([roundOf(step, heap, cleanup), inC], turns);
      const subject = `a heap buffer, ${step.what}, from ${source.path}`;
      yield toBenchRow({ subject, ours: step.ours, oursNs: median(oursNs), peer: IN_C, peerNs: medianOrNull(peerNs) });
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
