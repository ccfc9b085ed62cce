/**
 * Goal: every blit is at most 1 from double precision in each sample, and changes no other byte.
 *
 * Method: seeded pictures of random bytes, strides and offsets; random rectangles, of odd places
 * and sizes too; every pair of formats. `naiveBlit` says what each sample is to be.
 *
 * A failure names its seed: DMABUF_FUZZ_SEED=<seed> makes that run the first. DMABUF_FUZZ_STEPS is
 * the number of blits, 800 unless given: two of each pair.
 */

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { env } from 'node:process';
import { test } from 'node:test';

import { naiveBlit } from '../../test/support/fakes/naive-blit.ts';
import type { ExpectedSample, NaiveBlit, NaivePicture } from '../../test/support/fakes/naive-blit.ts';
import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { UINT_MAX } from '../base/limits.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { MiB } from '../base/sizes.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { Rectangle } from '../base/rectangle.ts';
import { BLIT_FORMATS } from './blit-format.ts';
import { createBlitter } from './blitter.ts';
import type { Blitter } from './blitter.ts';

const SEED_FIRST = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(UINT_MAX));
const STEP_COUNT = Number(env['DMABUF_FUZZ_STEPS'] ?? 800);

/** The pairs take turns, so that each is met. */
const PAIRS = BLIT_FORMATS.flatMap((source) => BLIT_FORMATS.map((destination) => [source, destination] as const));

checkLeaksAfterFile();

function pick<Value>(random: SeededRandom, values: readonly Value[]): Value {
  return values[random.below(values.length)] as Value;
}

/** Vectors take 16 pixels: sizes around that and below, and now and then several of them. */
function side(random: SeededRandom): number {
  return 1 + random.below(pick(random, [3, 18, 40, 75]));
}

function part(random: SeededRandom, width: number, height: number): Rectangle {
  const x = random.below(width);
  const y = random.below(height);
  return { x, y, width: 1 + random.below(width - x), height: 1 + random.below(height - y) };
}

/** A part of the size of another, where there is room for one. */
function partOfSize(random: SeededRandom, frame: FrameLayout, { width, height }: Rectangle): Rectangle {
  if (frame.width < width || frame.height < height) return part(random, frame.width, frame.height);
  return { x: random.below(frame.width - width + 1), y: random.below(frame.height - height + 1), width, height };
}

function randomFrame(random: SeededRandom, heap: EmbeddedHeap, format: (typeof BLIT_FORMATS)[number]): FrameLayout {
  const description = describeFrame(format, {
    width: side(random),
    height: side(random),
    strideAlignment: pick(random, [1, 1, 4, 37]),
    planeAlignment: pick(random, [1, 64]),
    separate: random.below(4) === 0,
  });
  const buffers = description.bufferLengths.map((length) => {
    const buffer = heap.allocate(length);
    buffer.accessSync('write', (bytes) => {
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = random.uint32() >>> 24;
    });
    return buffer;
  });
  return new FrameLayout(description, buffers);
}

/** All bytes of the planes, as they are now. */
function snapshot(frame: FrameLayout, format: string): NaivePicture {
  const planes = frame.accessSync('read', (views) =>
    views.map((view) => ({ bytes: new Uint8Array(view.bytes), stride: view.stride })),
  );
  return { format, width: frame.width, height: frame.height, planes };
}

function randomBlit(random: SeededRandom, source: FrameLayout, destination: FrameLayout): NaiveBlit {
  const rotate = pick(random, [0, 0, 0, 90, 180, 270] as const);
  const from = part(random, source.width, source.height);
  const turned = rotate % 180 === 0 ? from : { ...from, width: from.height, height: from.width };
  const isSameSize = random.below(2) === 0;
  const fromColors = {
    encoding: pick(random, ['bt601', 'bt709', 'bt2020', 'smpte240m'] as const),
    range: pick(random, ['full', 'limited'] as const),
  };
  const otherColors = { encoding: 'bt709', range: pick(random, ['full', 'limited'] as const) } as const;
  return {
    from,
    to: isSameSize ? partOfSize(random, destination, turned) : part(random, destination.width, destination.height),
    filter: pick(random, ['nearest', 'bilinear'] as const),
    flip: pick(random, ['none', 'none', 'horizontal', 'vertical', 'both'] as const),
    rotate,
    fromColors,
    toColors: random.below(2) === 0 ? fromColors : otherColors,
  };
}

/** The number that stands at a sample's place. */
function storedAt(picture: NaivePicture, { plane, offset, bits }: ExpectedSample): number {
  const bytes = picture.planes[plane]?.bytes as Uint8Array;
  if (bits === undefined) return bytes[offset] as number;
  const [shift, width] = bits;
  return (((bytes[offset] as number) + 256 * (bytes[offset + 1] as number)) >> shift) & (2 ** width - 1);
}

/** Whether a blit copies pixels as they are, alpha and unused bytes with them. */
function isCopy(blit: NaiveBlit, formats: readonly [string, string]): boolean {
  const isSameSize = blit.from.width === blit.to.width && blit.from.height === blit.to.height;
  const isUpright = (blit.rotate === 0 && blit.flip === 'none') || (blit.rotate === 180 && blit.flip === 'both');
  return formats[0] === formats[1] && isSameSize && isUpright;
}

function compare(
  blit: NaiveBlit,
  source: NaivePicture,
  { before, now }: { before: NaivePicture; now: NaivePicture },
): void {
  const samples = naiveBlit(source, before, blit);
  const touched = now.planes.map(({ bytes }) => new Uint8Array(bytes.length));
  const keepsAlpha = isCopy(blit, [source.format, now.format]);
  for (const sample of samples) {
    const { plane, offset, bits, value } = sample;
    touched[plane]?.fill(1, offset, offset + (bits === undefined ? 1 : 2));
    const isAlpha = now.format.endsWith('8888') && (offset % (now.planes[0]?.stride ?? 0)) % 4 === 3;
    if (isAlpha && keepsAlpha) continue;
    const stored = storedAt(now, sample);
    const isNear = isAlpha ? stored === 255 : Math.abs(stored - Math.round(value)) <= 1;
    assert.ok(isNear, `plane ${plane}, byte ${offset}: ${stored}, and ${value} in double precision`);
  }
  for (const [plane, { bytes }] of now.planes.entries()) {
    const changed = bytes.findIndex(
      (byte, at) => touched[plane]?.[at] === 0 && byte !== before.planes[plane]?.bytes[at],
    );
    assert.equal(changed, -1, `plane ${plane}: a byte was changed beside the rectangle`);
  }
}

interface FuzzStep {
  readonly seed: number;
  readonly heap: EmbeddedHeap;
  readonly blitter: Blitter;
  readonly formats: (typeof PAIRS)[number];
  /** What the twin is told of the blit, where it is to be told something else. */
  readonly distort?: (blit: NaiveBlit) => NaiveBlit;
}

function runStep({ seed, heap, blitter, formats: [from, to], distort = (blit) => blit }: FuzzStep): void {
  const random = new SeededRandom(seed);
  const source = randomFrame(random, heap, from);
  const destination = randomFrame(random, heap, to);
  try {
    const blit = randomBlit(random, source, destination);
    const before = snapshot(destination, to);
    const { filter, flip, rotate } = blit;
    blitter.blitSync(source, destination, {
      sourceRectangle: blit.from,
      destinationRectangle: blit.to,
      filter,
      flip,
      rotate,
      sourceColors: blit.fromColors,
      destinationColors: blit.toColors,
    });
    try {
      compare(distort(blit), snapshot(source, from), { before, now: snapshot(destination, to) });
    } catch (cause) {
      const text = JSON.stringify({ from, to, blit });
      throw new Error(`DMABUF_FUZZ_SEED=${seed}: ${text}: ${(cause as Error).message}`, { cause });
    }
  } finally {
    for (const { buffers } of [source, destination]) for (const buffer of buffers) buffer.close();
  }
}

function withBlitter(body: (heap: EmbeddedHeap, blitter: Blitter) => void): void {
  const heap = openEmbeddedHeap({ capacity: 8 * MiB });
  const blitter = createBlitter({ length: 4 * MiB });
  try {
    body(heap, blitter);
  } finally {
    blitter.close();
    heap.close();
  }
}

test('Blitter.blitSync() is at most 1 from double precision and changes nothing beside its rectangle', () => {
  withBlitter((heap, blitter) => {
    for (let step = 0; step < STEP_COUNT; step += 1) {
      const formats = PAIRS[step % PAIRS.length] as (typeof PAIRS)[number];
      runStep({ seed: (SEED_FIRST + step) >>> 0, heap, blitter, formats });
    }
  });
});

const OTHER_RANGE = { full: 'limited', limited: 'full' } as const;

const PLANTED: Readonly<Record<string, (blit: NaiveBlit) => NaiveBlit>> = {
  'another range': (blit) => ({
    ...blit,
    fromColors: { ...blit.fromColors, range: OTHER_RANGE[blit.fromColors.range] },
  }),
  'a pixel to the right': (blit) => ({
    ...blit,
    from: { ...blit.from, x: blit.from.x + (blit.from.width > 1 ? 1 : 0) },
  }),
  'another filter': (blit) => ({ ...blit, filter: blit.filter === 'nearest' ? 'bilinear' : 'nearest' }),
  'another way round': (blit) => ({ ...blit, rotate: ((blit.rotate + 180) % 360) as NaiveBlit['rotate'] }),
  'a row more': (blit) => ({ ...blit, to: { ...blit.to, height: Math.max(1, blit.to.height - 1) } }),
};

for (const [name, distort] of Object.entries(PLANTED)) {
  test(`the comparison of blits catches a twin with ${name}`, () => {
    withBlitter((heap, blitter) => {
      assert.throws(() => {
        for (let seed = 0; seed < 40; seed += 1)
          runStep({ seed, heap, blitter, formats: ['YUYV', 'XRGB8888'], distort });
      }, /DMABUF_FUZZ_SEED=/u);
    });
  });
}
