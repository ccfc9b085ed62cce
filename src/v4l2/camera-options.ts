import { contradiction, outOfRange, wrongType } from '../base/argument-error.ts';
import { checkBoolean, checkInteger, readOptions } from '../base/check.ts';
import { UINT_MAX } from '../base/limits.ts';
import { readArray } from '../base/read-array.ts';
import { DmaBuf } from '../heap/dma-buf.ts';
import { Heap } from '../heap/heap.ts';
import type { PixelFormatName } from '../picture/pixel-format-table.ts';
import type { FormatWishes } from './negotiate-format.ts';
import type { BufferSource } from './queue-memory.ts';
import { readFormatName } from './video-format.ts';

/** Options that each device that streams has. */
export interface StreamingOptions {
  /** In pixels. Default: what the device is set to. */
  readonly width?: number | undefined;
  /** In pixels. Default: what the device is set to. */
  readonly height?: number | undefined;
  /**
   * A format by DRM's name of it, `NV12`, with its planes in one memory or several as the device
   * has it; by four characters of V4L2's, `NM12`, `MJPG`; or by V4L2's number. Default: what the
   * device is set to.
   */
  readonly format?: PixelFormatName | (string & {}) | number | undefined;
  /** From row to row of the first plane, in bytes, as a screen needs it. Default: the driver's. */
  readonly stride?: number | undefined;
  /** Frames a second. Default: what the device is set to. */
  readonly rate?: number | undefined;
  /**
   * Whether what the driver makes of size, format, stride and rate is taken as it is; `format` of
   * the opened device tells. Default: false, and what it would change is refused.
   */
  readonly adjust?: boolean | undefined;
  /**
   * How many buffers, from 1 to 1024 (a driver may need more, or take fewer); or buffers of the
   * caller's, one for each frame, or one for each memory of each frame. They stay the caller's.
   * Default: 4.
   */
  readonly buffers?: number | readonly (DmaBuf | readonly DmaBuf[])[] | undefined;
  /**
   * From which heap buffers come. Where the driver refuses them, its own memory is exported
   * instead: `memory` tells. Default: the machine's system heap, else udmabuf.
   */
  readonly heap?: Heap | undefined;
}

/** Options that were read and checked. */
export interface CheckedStreaming {
  readonly wishes: FormatWishes;
  readonly source: BufferSource;
}

export const STREAMING_OPTIONS = [
  'width',
  'height',
  'format',
  'stride',
  'rate',
  'adjust',
  'buffers',
  'heap',
] as const satisfies readonly (keyof StreamingOptions)[];

const BUFFER_COUNT_DEFAULT = 4;
/** The largest queue of vb2 (MAX_BUFFER_INDEX, since Linux 6.8; 32 before). */
const BUFFER_COUNT_MAX = 1024;
/** VIDEO_MAX_PLANES. */
const MEMORY_COUNT_MAX = 8;
const RATE_MAX = 100_000;

/** Options that were read once, checked. `action` completes "Cannot …". */
export function checkStreaming(options: StreamingOptions, action: string): CheckedStreaming {
  const size = (value: number | undefined, name: string): number | undefined =>
    value === undefined ? undefined : checkInteger(value, { action, name, min: 1, max: UINT_MAX });
  return {
    wishes: {
      width: size(options.width, 'width'),
      height: size(options.height, 'height'),
      stride: size(options.stride, 'stride'),
      format: options.format === undefined ? undefined : readFormatName(options.format, action),
      rate: checkRate(options.rate, action),
      adjust: checkBoolean(options.adjust ?? false, { action, name: 'adjust' }),
    },
    source: checkSource(options, action),
  };
}

function checkRate(rate: unknown, action: string): number | undefined {
  if (rate === undefined) return undefined;
  const argument = { action, name: 'rate' };
  const must = `be frames a second, above 0 and up to ${RATE_MAX}`;
  if (typeof rate !== 'number') throw wrongType(argument, { must, received: rate });
  if (rate > 0 && rate <= RATE_MAX) return rate;
  throw outOfRange(argument, { must, received: rate });
}

function checkSource({ buffers, heap }: StreamingOptions, action: string): BufferSource {
  if (heap !== undefined && !Heap.isHeap(heap))
    throw wrongType({ action, name: 'heap' }, { must: 'be an open heap', received: heap, remedy: 'see openHeap()' });
  if (buffers === undefined || typeof buffers === 'number') {
    const argument = { action, name: 'buffers', min: 1, max: BUFFER_COUNT_MAX };
    return { count: checkInteger(buffers ?? BUFFER_COUNT_DEFAULT, argument), heap, given: undefined };
  }
  if (heap !== undefined)
    throw contradiction({ action, name: 'buffers' }, 'heap', 'are two places from which buffers come');
  const argument = { action, name: 'buffers' };
  const given = readArray(buffers, { ...argument, countMax: BUFFER_COUNT_MAX }, (each, index) =>
    readBuffers(each, action, `buffers[${index}]`),
  );
  if (given.length > 0) return { count: given.length, heap: undefined, given };
  throw outOfRange(argument, { must: 'have a buffer', received: given });
}

function readBuffers(value: unknown, action: string, name: string): DmaBuf[] {
  if (DmaBuf.isBuffer(value)) return [value];
  return readArray(value, { action, name, countMax: MEMORY_COUNT_MAX }, (buffer, index) => {
    if (DmaBuf.isBuffer(buffer)) return buffer;
    throw wrongType({ action, name: `${name}[${index}]` }, { must: 'be a DmaBuf', received: buffer });
  });
}

/** Options of `openCamera`. */
export interface CameraOptions extends StreamingOptions {
  /** An input by its index or its name: `HDMI 000-0`. Default: the one that is chosen. */
  readonly input?: number | string | undefined;
  /**
   * Whether to set the device to what its input receives: for HDMI inputs, which have nothing to
   * choose from. Default: false.
   */
  readonly takeTimings?: boolean | undefined;
  /**
   * Whether to go on by itself when the source changes its size or rate: `takeTimings`, again and
   * again, with frames of the new format behind those of the old. Default: false.
   */
  readonly followSource?: boolean | undefined;
  /**
   * Whether to wait for a camera that was unplugged, and go on when it is back. Default: false, and
   * `frames()` ends with `ENODEV`.
   */
  readonly reconnect?: boolean | undefined;
}

/** Options that were read and checked. */
export interface CheckedCamera extends CheckedStreaming {
  readonly connector: number | string | undefined;
  readonly takesTimings: boolean;
  readonly followsSource: boolean;
  readonly reconnects: boolean;
}

/** Reads options once. `action` completes "Cannot …". */
export function readCameraOptions(options: CameraOptions, action: string): CheckedCamera {
  const names = [...STREAMING_OPTIONS, 'input', 'takeTimings', 'followSource', 'reconnect'] as const;
  const plain = readOptions(options, action, names);
  const flag = (value: boolean | undefined, name: string): boolean => checkBoolean(value ?? false, { action, name });
  const followsSource = flag(plain.followSource, 'followSource');
  return {
    ...checkStreaming(plain, action),
    connector: checkConnector(plain.input, { action, name: 'input' }),
    takesTimings: flag(plain.takeTimings, 'takeTimings') || followsSource,
    followsSource,
    reconnects: flag(plain.reconnect, 'reconnect'),
  };
}

/** An input or an output, by its index or its name. */
export function checkConnector(
  value: unknown,
  argument: { readonly action: string; readonly name: string },
): number | string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'number') return checkInteger(value, { ...argument, min: 0, max: UINT_MAX });
  throw wrongType(argument, { must: 'be an index or a name', received: value });
}
