/** Pictures converted from buffer to buffer: beside C, swscale, and a plain copy. */

import { CleanupStack } from '../src/base/cleanup.ts';
import { GiB } from '../src/base/sizes.ts';
import { openEmbeddedHeap } from '../src/backend/embedded/embedded-heap.ts';
import { createBlitter } from '../src/blit/blitter.ts';
import type { Blitter } from '../src/blit/blitter.ts';
import type { BlitFormatName } from '../src/blit/blit-format.ts';
import type { BlitOptions } from '../src/blit/blit-options.ts';
import type { Heap } from '../src/heap/heap.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { sample } from '../src/measure/sampling.ts';
import { describeFrame } from '../src/picture/describe-frame.ts';
import { FrameLayout } from '../src/picture/frame-layout.ts';
import type { JudgedRow } from './judged-row.ts';
import { PeerProcess } from './peer-process.ts';
import { toBenchRow } from './row.ts';
import { measureSwscale, missingSwscale } from './swscale.ts';
import { medianOrNull, nsSince, takeTurns } from './take-turns.ts';
import type { Round, Turns } from './take-turns.ts';

export interface BlitBenchOptions {
  /** The program `blit`, built with -O3. */
  readonly peer: CPeer;
  /** The same, built for this processor. */
  readonly nativePeer: CPeer;
  readonly turns?: Turns;
  /** Of the table over all pairs. Default: those that cameras give and screens take. */
  readonly formats?: readonly BlitFormatName[];
}

const TURNS_DEFAULT: Turns = { turns: 9, roundsPerTurn: 10, warmupRounds: 5 };
const SIZE = { width: 1920, height: 1080 };
/** Of C's time, at most; swscale's. */
const OF_C = 1 / 1.5;
const NOT_SLOWER = 1;
/** Until the engine has compiled the module for good. */
const COMPILING = { rounds: 1, warmupRounds: 100 };
const PAIR_SAMPLING = { rounds: 25, warmupRounds: 10 };

const FORMATS_DEFAULT: readonly BlitFormatName[] = [
  'YUYV',
  'UYVY',
  'NV12',
  'NV21',
  'YUV420',
  'RGB888',
  'BGR888',
  'XRGB8888',
  'ABGR8888',
  'RGB565',
];

/** A picture in a buffer, with the numbers that the C program has. */
function makeFrame(heap: Heap, format: BlitFormatName, cleanup: CleanupStack, size = SIZE): FrameLayout {
  const description = describeFrame(format, size);
  const buffer = heap.allocate(description.length);
  cleanup.defer(() => buffer.close());
  buffer.accessSync('write', (bytes) => {
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = (at * 7919) >> 3;
  });
  return new FrameLayout(description, [buffer]);
}

const COMPARED = [
  { format: 'YUYV', word: 'yuyv', pixelFormat: 'yuyv422' },
  { format: 'NV12', word: 'nv12', pixelFormat: 'nv12' },
] as const;

interface Studio {
  readonly heap: Heap;
  readonly blitter: Blitter;
}

/** The rows, conversion by conversion as they are measured. */
export async function* blitRows(options: BlitBenchOptions): AsyncGenerator<JudgedRow, void, undefined> {
  const studio = { heap: openEmbeddedHeap({ capacity: GiB }), blitter: createBlitter() };
  try {
    for (const compared of COMPARED) yield* await comparedRows(options, studio, compared);
    yield* geometryRows(studio);
    yield* pairRows(studio, options.formats ?? FORMATS_DEFAULT);
  } finally {
    studio.blitter.close();
    studio.heap.close();
  }
}

async function comparedRows(
  { peer, nativePeer, turns = TURNS_DEFAULT }: BlitBenchOptions,
  { heap, blitter }: Studio,
  { format, word, pixelFormat }: (typeof COMPARED)[number],
): Promise<JudgedRow[]> {
  const cleanup = new CleanupStack();
  try {
    const source = makeFrame(heap, format, cleanup);
    const destination = makeFrame(heap, 'XRGB8888', cleanup);
    sample(() => blitter.blitSync(source, destination), COMPILING);
    const ours: Round<number> = () => {
      const start = process.hrtime.bigint();
      blitter.blitSync(source, destination);
      return nsSince(start);
    };
    const missing = missingSwscale();
    const bytes = source.buffers[0]?.accessSync(
      'read',
      (all) => new Uint8Array(all.subarray(0, source.description.length)),
    );
    // A turn of its own process each time: its rounds are counted there.
    const swscale: Round<number[]> = () =>
      measureSwscale({ pixelFormat, ...SIZE, bytes: bytes as Uint8Array, rounds: 2 });
    const [oursNs, cNs, nativeNs, swscaleNs] = await takeTurns(
      [
        ours,
        peerRound(peer, word, cleanup),
        peerRound(nativePeer, word, cleanup),
        missing === undefined ? swscale : undefined,
      ],
      turns,
    );
    const row = { subject: `1080p ${format} to XRGB8888`, ours: 'blitSync', oursNs: medianOrNull(oursNs) };
    return [
      toBenchRow({ ...row, peer: 'C loop, -O3', peerNs: medianOrNull(cNs), target: OF_C }),
      toBenchRow({ ...row, peer: 'C loop, -O3 -march=native', peerNs: medianOrNull(nativeNs) }),
      toBenchRow({
        ...row,
        peer: `swscale SWS_POINT${missing === undefined ? '' : `: ${missing}`}`,
        peerNs: medianOrNull(swscaleNs.flat()),
        target: NOT_SLOWER,
      }),
    ];
  } finally {
    cleanup.unwind();
  }
}

function peerRound(peer: CPeer, word: string, cleanup: CleanupStack): Round<number> | undefined {
  if (!peer.built) return undefined;
  const program = new PeerProcess(peer.path, [word, `${SIZE.width}`, `${SIZE.height}`]);
  cleanup.defer(() => program.close());
  return async () => (await program.round())[0] as number;
}

/** One blit beside a copy of as many bytes as it writes. */
function rowBesideCopy(
  { heap, blitter }: Studio,
  row: { readonly subject: string; readonly ours: string },
  blit: {
    readonly from: BlitFormatName;
    readonly to: BlitFormatName;
    readonly size?: typeof SIZE;
    readonly options?: BlitOptions;
  },
): JudgedRow {
  const cleanup = new CleanupStack();
  try {
    const source = makeFrame(heap, blit.from, cleanup);
    const destination = makeFrame(heap, blit.to, cleanup, blit.size);
    const oursNs = sample(() => blitter.blitSync(source, destination, blit.options), PAIR_SAMPLING).medianNs;
    const view = destination.buffers[0]?.vmap();
    cleanup.defer(() => view?.close());
    const copy = new Uint8Array(destination.description.length);
    const peerNs = sample(() => view?.bytes.set(copy), PAIR_SAMPLING).medianNs;
    return toBenchRow({ ...row, oursNs, peer: 'a copy of as many bytes', peerNs });
  } finally {
    cleanup.unwind();
  }
}

const TURNED = { width: SIZE.height, height: SIZE.width };
const HALF = { width: SIZE.width / 2, height: SIZE.height / 2 };

function* geometryRows(studio: Studio): Generator<JudgedRow, void, undefined> {
  const subject = '1080p YUYV to XRGB8888, scaled or turned';
  const from = 'YUYV';
  const to = 'XRGB8888';
  const row = (ours: string, options: BlitOptions, size?: typeof SIZE): JudgedRow =>
    rowBesideCopy(studio, { subject, ours }, { from, to, options, ...(size === undefined ? {} : { size }) });
  yield row('mirrored', { flip: 'horizontal' });
  yield row('turned by 90', { rotate: 90 }, TURNED);
  yield row('to 960x540, nearest', { filter: 'nearest' }, HALF);
  yield row('to 960x540, bilinear', { filter: 'bilinear' }, HALF);
  yield row('of 960x540, bilinear', { filter: 'bilinear', sourceRectangle: { x: 0, y: 0, ...HALF } });
}

function* pairRows(studio: Studio, formats: readonly BlitFormatName[]): Generator<JudgedRow, void, undefined> {
  for (const from of formats) {
    for (const to of formats) yield rowBesideCopy(studio, { subject: `1080p ${from}`, ours: `to ${to}` }, { from, to });
  }
}
