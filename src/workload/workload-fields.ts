import { GiB } from '../base/sizes.ts';
import type { ConsumerLoad, PacedLoad } from './workload.ts';

/** What a value in a workload must be. */
export type Field =
  | {
      /** Completes "loads[0].slots must …". */
      readonly must: string;
      readonly accepts: (value: unknown) => boolean;
      readonly isOptional?: true;
    }
  | { readonly listOf: Field }
  | { readonly objectOf: Fields; readonly isOptional?: true };

export type Fields = Readonly<Record<string, Field>>;

const BUFFER_BYTES_MAX: number = 16 * GiB;
const COUNT_MAX = 10_000;
const RATE_MAX = 1_000_000;
/** What a header, a packet or a command is written into. */
const HEADER_BYTES = 64;

const text: Field = {
  must: 'be a text',
  accepts: (value) => typeof value === 'string' && value !== '' && value.length <= 1000,
};
const count: Field = wholeNumber(1, COUNT_MAX);
const bytes: Field = wholeNumber(HEADER_BYTES, BUFFER_BYTES_MAX);
const slots: Field = oneOf('kept', 'shuffled');
const rate: Field = {
  must: `be a number above 0, at most ${RATE_MAX}`,
  accepts: (value) => typeof value === 'number' && value > 0 && value <= RATE_MAX,
};
const picture = { width: count, height: count, bytesPerPixel: wholeNumber(1, 16), bufferCount: wholeNumber(1, 64) };

/** Of each consumer's load, without its name and its pace. */
export const LOAD_FIELDS: Readonly<Record<ConsumerLoad['consumer'], Fields>> = {
  'apusys-map': { lengthBytes: bytes, bufferCount: count },
  'apusys-pool': { commandCount: count, commandBytesMin: bytes, commandBytesMax: bytes },
  'drm-gem-shmem': {
    ...picture,
    driver: text,
    damage: { objectOf: { width: count, height: count }, isOptional: true },
  },
  'intel-ipu-psys': { lengthBytes: bytes, bufferCount: count, buffersPerFrame: count },
  'mtk-aov': {},
  'mtk-camera': {
    nodes: {
      listOf: {
        objectOf: {
          name: text,
          kind: oneOf('meta-config', 'meta-statistics', 'image', 'compressed-image'),
          lengthBytes: bytes,
        },
      },
    },
    bufferCount: count,
    slots,
  },
  'mtk-vcodec': { planeBytes: { listOf: bytes }, bufferCount: count, slots },
  'nvidia-pva': { lengthBytes: bytes, bufferCount: count, fenceCount: count },
  'qualcomm-camera': { lengthBytes: bytes, bufferCount: count },
  'samsung-capture-meta': { lengthBytes: bytes, bufferCount: count, wordCount: count },
  'vb2-vmalloc': { driver: text, lengthBytes: bytes, bufferCount: count, slots },
  'vmwgfx-blit': picture,
};

/** Of every load. */
export const PACE_FIELDS: Fields = { stepsPerSecond: rate, deadlineMs: { ...rate, isOptional: true } };

/** Of a workload, but its loads. */
export const WORKLOAD_FIELDS: Fields = { name: text, title: text, basis: text };

type LoadOf<Consumer extends PacedLoad['consumer']> = Extract<PacedLoad, { readonly consumer: Consumer }>;
type Relations = { readonly [Consumer in PacedLoad['consumer']]?: RelationOf<Consumer> };
interface RelationOf<Consumer extends PacedLoad['consumer']> {
  readonly must: string;
  readonly holds: (load: LoadOf<Consumer>) => boolean;
}

/** What the fields of a load must be to each other. */
export const RELATIONS: Relations = {
  'apusys-pool': {
    must: 'have commandBytesMin up to commandBytesMax',
    holds: ({ commandBytesMin, commandBytesMax }) => commandBytesMin <= commandBytesMax,
  },
  'drm-gem-shmem': {
    must: 'have damage within its width and height',
    holds: ({ width, height, damage }) => damage === undefined || (damage.width <= width && damage.height <= height),
  },
  'nvidia-pva': {
    must: 'have room for 4 bytes a fence in lengthBytes',
    holds: ({ lengthBytes, fenceCount }) => 4 * fenceCount <= lengthBytes,
  },
  'samsung-capture-meta': {
    must: 'have room for 4 bytes a word in lengthBytes',
    holds: ({ lengthBytes, wordCount }) => 4 * wordCount <= lengthBytes,
  },
};

function wholeNumber(min: number, max: number): Field {
  return {
    must: `be a whole number from ${min} to ${max}`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

function oneOf(...allowed: readonly string[]): Field {
  return { must: `be one of ${allowed.join(', ')}`, accepts: (value) => allowed.includes(value as string) };
}
