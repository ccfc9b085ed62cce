import { inspect } from 'node:util';

import { outOfRange, wrongType } from '../base/argument-error.ts';
import { checkInteger, readOptions } from '../base/check.ts';
import { UINT_MAX } from '../base/limits.ts';
import { readArray } from '../base/read-array.ts';
import { DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import { formatFourcc } from './fourcc.ts';
import { PLANE_COUNT_MAX, findFrameFlaw, knownFormat } from './frame-flaw.ts';
import type { FrameFields, PlaneDescription } from './frame-flaw.ts';
import type { PixelFormat } from './pixel-format-table.ts';

const WHAT = 'describe the frame';
const MODIFIER_MAX = 0xffff_ffff_ffff_ffffn;

/**
 * A picture's size and format, and where its planes lie in buffers that need not exist yet.
 * Immutable. With buffers it becomes a `FrameLayout`.
 *
 * @example
 * ```ts
 * import { DRM_FORMAT_MOD_LINEAR, FrameDescription, parseFourcc } from 'dmabuf/picture';
 *
 * const description = new FrameDescription({
 *   width: 640,
 *   height: 480,
 *   fourcc: parseFourcc('XR24'),
 *   modifier: DRM_FORMAT_MOD_LINEAR,
 *   planes: [{ bufferIndex: 0, offset: 0, stride: 2560, length: 2560 * 480 }],
 * });
 * console.log(description.format?.name); // XRGB8888
 * ```
 */
export class FrameDescription {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** The pixel format's number, as DRM has it. */
  readonly fourcc: Fourcc;
  /** How pixels lie within a plane: `DRM_FORMAT_MOD_LINEAR` for rows one after the other. */
  readonly modifier: bigint;
  /** One per plane of the format, in its order. */
  readonly planes: readonly PlaneDescription[];
  readonly #bufferLengths: readonly number[];
  readonly #format: PixelFormat | undefined;

  /**
   * Describes a frame plane by plane. `describeFrame` derives the planes from format and size. The
   * constructor also restores a description from a copy that came by `postMessage`.
   *
   * A format unknown to `findPixelFormat`, or a modifier other than `DRM_FORMAT_MOD_LINEAR`, is not
   * checked against its rows: only its driver knows what a row is.
   *
   * @throws {TypeError | RangeError} for too few planes, planes too short for the picture, or
   *   planes that end beyond 32 bits; for a buffer without a plane
   */
  constructor(fields: FrameFields) {
    const frame = readFields(fields);
    const flaw = findFrameFlaw(frame);
    if (flaw !== undefined) throw misfit(frame.planes, flaw);
    this.width = frame.width;
    this.height = frame.height;
    this.fourcc = frame.fourcc;
    this.modifier = frame.modifier;
    this.planes = Object.freeze(frame.planes.map((plane) => Object.freeze({ ...plane })));
    this.#bufferLengths = Object.freeze(lengthsOfBuffers(frame.planes));
    this.#format = knownFormat(frame);
    Object.freeze(this);
  }

  /** The meaning of the bytes; undefined for an unknown format. */
  get format(): PixelFormat | undefined {
    return this.#format;
  }

  /** The least length of each buffer: up to the end of its last plane. */
  get bufferLengths(): readonly number[] {
    return this.#bufferLengths;
  }

  /** The least length of its buffers together: the length to allocate for a frame in one buffer. */
  get length(): number {
    return this.#bufferLengths.reduce((sum, length) => sum + length, 0);
  }

  /** The number of buffers that the planes lie in. */
  get bufferCount(): number {
    return this.#bufferLengths.length;
  }

  /** Whether a value is a description, regardless of its class. @internal */
  static isDescription(value: unknown): value is FrameDescription {
    return typeof value === 'object' && value !== null && #format in value;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `FrameDescription { ${labelOf(this)} }`;
  }
}

/** For messages: `NV12 1920x1080`. */
export function labelOf({ fourcc, width, height, modifier }: Omit<FrameFields, 'planes'>): string {
  const tiling = modifier === DRM_FORMAT_MOD_LINEAR ? '' : `, modifier 0x${modifier.toString(16)}`;
  return `${formatFourcc(fourcc)} ${width}x${height}${tiling}`;
}

function readFields(fields: FrameFields): FrameFields {
  const names = ['width', 'height', 'fourcc', 'modifier', 'planes'] as const;
  const { width, height, fourcc, modifier, planes } = readOptions(fields, WHAT, names);
  const range = { min: 1, max: UINT_MAX };
  checkInteger(fourcc, { action: WHAT, name: 'fourcc', ...range });
  return {
    width: checkInteger(width, { action: WHAT, name: 'width', ...range }),
    height: checkInteger(height, { action: WHAT, name: 'height', ...range }),
    fourcc,
    modifier: checkModifier(modifier),
    planes: readArray(planes, { action: WHAT, name: 'planes', countMax: PLANE_COUNT_MAX }, readPlane),
  };
}

function misfit(planes: readonly PlaneDescription[], flaw: string): RangeError {
  return outOfRange({ action: WHAT, name: 'planes' }, { must: 'fit the picture', received: planes, remedy: flaw });
}

function checkModifier(modifier: unknown): bigint {
  const argument = { action: WHAT, name: 'modifier' };
  if (typeof modifier !== 'bigint') throw wrongType(argument, { must: 'be a bigint', received: modifier });
  if (modifier >= 0n && modifier <= MODIFIER_MAX) return modifier;
  throw outOfRange(argument, { must: 'fit into 64 bits', received: modifier });
}

function readPlane(plane: unknown, index: number): PlaneDescription {
  const names = ['bufferIndex', 'offset', 'stride', 'length'] as const;
  const name = `planes[${index}]`;
  const read = readOptions(plane as PlaneDescription, WHAT, names, name);
  const check = (field: keyof PlaneDescription, max: number): number =>
    checkInteger(read[field], { action: WHAT, name: `${name}.${field}`, min: 0, max });
  return {
    bufferIndex: check('bufferIndex', PLANE_COUNT_MAX - 1),
    offset: check('offset', UINT_MAX),
    stride: check('stride', UINT_MAX),
    length: check('length', UINT_MAX),
  };
}

function lengthsOfBuffers(planes: readonly PlaneDescription[]): number[] {
  const lengths: number[] = [];
  for (const { bufferIndex, offset, length } of planes)
    lengths[bufferIndex] = Math.max(lengths[bufferIndex] ?? 0, offset + length);
  return lengths;
}
