import { quoteForeign } from '../base/foreign-text.ts';
import { findVideoFormat } from './video-format.ts';
import type { VideoFormat, VideoFormatName } from './video-format.ts';

/** What caps of raw video say of every frame. */
export interface VideoCaps {
  /** The caps themselves, as `gst_caps_from_string` reads them. */
  readonly text: string;
  /** By the name that caps have for it. */
  readonly format: VideoFormatName;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Frames a second, as a fraction. Absent, or 0/1: of any rate. */
  readonly framerate?: readonly [number, number];
}

/** Longer ones are not of raw video. In bytes. */
export const CAPS_BYTES_MAX = 4096;
/** GStreamer's own limit is the same (gst-libs/gst/video/video-info.c). */
const SIZE_MAX = 32_767;

/**
 * Reads caps as `gst_caps_to_string` writes them, `video/x-raw, format=(string)NV12,
 * width=(int)1920, …`, or as they stand in a pipeline. Features such as `(memory:DMABuf)` say where
 * frames lie, which each frame says itself.
 *
 * @param refuse makes the error for other than one fixed kind of raw video
 */
export function parseVideoCaps(text: string, refuse: (why: string) => Error): VideoCaps {
  if (text.length > CAPS_BYTES_MAX) throw refuse(`they have ${text.length} characters, of at most ${CAPS_BYTES_MAX}`);
  const [head = '', ...rest] = withoutEnd(text).split(',');
  const media = /^(?<type>[\w/.+-]+)\s*(?:\([^()]*\))?$/u.exec(head.trim())?.groups;
  if (media?.['type'] !== 'video/x-raw')
    throw refuse('they are not raw video: end the pipeline with videoconvert ! video/x-raw');
  const fields = new Map<string, string>();
  for (const field of rest) {
    const pair = parseField(field);
    if (pair === undefined) throw refuse(`the field ${quoteForeign(field.trim())} is none`);
    fields.set(...pair);
  }
  const { name } = formatOf(fields, refuse);
  const [width, height] = [sizeOf(fields, 'width', refuse), sizeOf(fields, 'height', refuse)];
  const framerate = readFraction(fields.get('framerate'));
  return { text, format: name, width, height, ...(framerate === undefined ? {} : { framerate }) };
}

/** Caps may end with the semicolon that parts several kinds. */
function withoutEnd(text: string): string {
  const trimmed = text.trim();
  return trimmed.endsWith(';') ? trimmed.slice(0, -1) : trimmed;
}

/**
 * `width=(int)640`: the type is left out where it is clear. Spaces are cut off first: a pattern in
 * which several parts match them takes minutes for a few hundred of a peer's.
 */
function parseField(field: string): [string, string] | undefined {
  const equalsAt = field.indexOf('=');
  const name = field.slice(0, Math.max(equalsAt, 0)).trim();
  const typed = field.slice(equalsAt + 1).trim();
  const value = typed.replace(/^\([\w:]+\)/u, '').trim();
  if (!/^[\w-]+$/u.test(name)) return undefined;
  if (/^"[^"]*"$/u.test(value)) return [name, value.slice(1, -1)];
  // A semicolon begins another kind of video.
  return /[";]/u.test(value) ? undefined : [name, value];
}

function formatOf(fields: ReadonlyMap<string, string>, refuse: (why: string) => Error): VideoFormat {
  const name = fields.get('format');
  if (name === undefined) throw refuse('they have no format');
  const format = findVideoFormat(name);
  if (format !== undefined) return format;
  if (name === 'DMA_DRM')
    throw refuse('they leave the format to a modifier of a driver: ask for video/x-raw with a format');
  throw refuse(
    `the format ${quoteForeign(name)} is not known: put videoconvert ! video/x-raw,format=NV12 before unixfdsink`,
  );
}

function sizeOf(fields: ReadonlyMap<string, string>, name: string, refuse: (why: string) => Error): number {
  const value = fields.get(name);
  if (value === undefined) throw refuse(`they have no ${name}`);
  const size = /^\d{1,5}$/u.test(value) ? Number(value) : 0;
  if (size >= 1 && size <= SIZE_MAX) return size;
  throw refuse(`${name} is ${quoteForeign(value)}, and must be from 1 to ${SIZE_MAX}`);
}

function readFraction(value: string | undefined): readonly [number, number] | undefined {
  const groups = /^(?<over>\d{1,9})\/(?<under>\d{1,9})$/u.exec(value ?? '')?.groups;
  return groups === undefined ? undefined : [Number(groups['over']), Number(groups['under'])];
}
