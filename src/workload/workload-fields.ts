import { GiB } from '../base/sizes.ts';
import type { ConsumerLoad, PacedLoad } from './workload.ts';

/** What a value without parts must be. */
interface ValueField {
  /** Completes "loads[0].slots must …". */
  readonly must: string;
  readonly accepts: (value: unknown) => boolean;
  readonly isOptional?: true;
}

/** What a value in a workload must be. */
export type Field =
  | ValueField
  | { readonly listOf: Field; readonly isOptional?: true }
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
const rate: ValueField = {
  must: `be a number above 0, at most ${RATE_MAX}`,
  accepts: (value) => typeof value === 'number' && value > 0 && value <= RATE_MAX,
};
const picture = { width: count, height: count, bytesPerPixel: wholeNumber(1, 16), bufferCount: wholeNumber(1, 64) };

const name: ValueField = { must: 'be a name of letters, digits and dashes, at most 31', accepts: isName };
const cameraNodes: Field = {
  listOf: {
    objectOf: {
      name: text,
      kind: oneOf('meta-config', 'meta-statistics', 'image', 'compressed-image'),
      lengthBytes: bytes,
    },
  },
};

/** Of each consumer's load, without its name and its pace. */
export const LOAD_FIELDS: Readonly<Record<ConsumerLoad['consumer'], Fields>> = {
  'apusys-map': { lengthBytes: bytes, bufferCount: count, session: { ...name, isOptional: true } },
  'apusys-pool': { commandCount: count, commandBytesMin: bytes, commandBytesMax: bytes },
  'apusys-shared-pool': { session: name, commandCount: count, commandBytes: bytes, largeCommandBytes: bytes },
  'dma-buf-sync': { lengthBytes: bytes, attachmentCount: count },
  'dma-buf-user': { buffer: name, lengthBytes: bytes, use: oneOf('vmap', 'cpu-access', 'attachment', 'mmap') },
  'drm-gem-shmem': {
    ...picture,
    driver: text,
    damage: { objectOf: { width: count, height: count }, isOptional: true },
  },
  'intel-ipu-psys': { lengthBytes: bytes, bufferCount: count, buffersPerFrame: count },
  'mtk-aov': {},
  'mtk-camera': { nodes: cameraNodes, bufferCount: count, slots },
  'mtk-camera-launch': {
    nodes: cameraNodes,
    bufferCount: count,
    workingBytes: { listOf: bytes, isOptional: true },
  },
  'mtk-vcodec': { planeBytes: { listOf: bytes }, bufferCount: count, slots },
  'nvidia-pva': { lengthBytes: bytes, bufferCount: count, fenceCount: count },
  'qualcomm-camera': { lengthBytes: bytes, bufferCount: count },
  'samsung-capture-meta': { lengthBytes: bytes, bufferCount: count, wordCount: count },
  'vb2-vmalloc': { driver: text, lengthBytes: bytes, bufferCount: count, slots },
  'vmwgfx-blit': picture,
};

/** Of every load. */
export const PACE_FIELDS: Fields = {
  stepsPerSecond: rate,
  deadlineMs: { ...rate, isOptional: true },
  place: { ...oneOf('thread', 'process'), isOptional: true },
};

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
  'apusys-map': {
    must: 'have a place "thread" where it names a session: one process has it',
    holds: ({ session, place }) => session === undefined || place === 'thread',
  },
  'apusys-shared-pool': {
    must: 'have a place "thread": one process has the session',
    holds: ({ place }) => place === 'thread',
  },
  'dma-buf-user': {
    must: 'have a place: users of a buffer wait for each other',
    holds: ({ place }) => place !== undefined,
  },
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

function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z\d-]{1,31}$/iu.test(value);
}

function wholeNumber(min: number, max: number): Field {
  return {
    must: `be a whole number from ${min} to ${max}`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

function oneOf(...allowed: readonly string[]): ValueField {
  return { must: `be one of ${allowed.join(', ')}`, accepts: (value) => allowed.includes(value as string) };
}
