import { assert } from '../base/assert.ts';
import type { PixelFormat, PixelFormatName } from '../picture/pixel-format-table.ts';
import { findPixelFormat } from '../picture/pixel-format.ts';

/** A video format by its name in caps, and its number in `GstVideoMeta`. */
export interface VideoFormat {
  /** As `gst_video_format_to_string` gives it. */
  readonly name: VideoFormatName;
  /** `GstVideoFormat` (gst-libs/gst/video/video-format.h). */
  readonly number: number;
  /** The same bytes, as DRM has them. */
  readonly pixels: PixelFormat;
}

/** `GstVideoFormat` (gst-libs/gst/video/video-format.h), and DRM's name of the same bytes. */
type Row = readonly [number: number, pixelFormat: PixelFormatName];

/**
 * GStreamer names bytes in their order in memory, DRM from the most significant bit of a little
 * endian word: RGBx is XBGR8888.
 */
const FORMATS = {
  I420: [2, 'YUV420'],
  YV12: [3, 'YVU420'],
  YUY2: [4, 'YUYV'],
  UYVY: [5, 'UYVY'],
  RGBx: [7, 'XBGR8888'],
  BGRx: [8, 'XRGB8888'],
  RGBA: [11, 'ABGR8888'],
  BGRA: [12, 'ARGB8888'],
  RGB: [15, 'BGR888'],
  BGR: [16, 'RGB888'],
  NV12: [23, 'NV12'],
  NV21: [24, 'NV21'],
  GRAY8: [25, 'R8'],
  NV16: [51, 'NV16'],
} as const satisfies Record<string, Row>;

/** A format of raw video by the name that GStreamer's caps have for it. */
export type VideoFormatName = keyof typeof FORMATS;

/** Undefined for one that is not known here. */
export function findVideoFormat(name: string): VideoFormat | undefined {
  return isKnown(name) ? videoFormatOf(name) : undefined;
}

/** Undefined for one that is not known here. */
export function findVideoFormatByNumber(number: number): VideoFormat | undefined {
  const names = Object.keys(FORMATS).filter(isKnown);
  const name = names.find((each) => FORMATS[each][0] === number);
  return name === undefined ? undefined : videoFormatOf(name);
}

export function videoFormatOf(name: VideoFormatName): VideoFormat {
  const [number, pixelFormat] = FORMATS[name];
  const pixels = findPixelFormat(pixelFormat);
  assert(pixels !== undefined, `${name} has a pixel format`);
  return { name, number, pixels };
}

function isKnown(name: string): name is VideoFormatName {
  return Object.hasOwn(FORMATS, name);
}
