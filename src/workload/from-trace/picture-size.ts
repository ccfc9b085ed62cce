import { KiB } from '../../base/sizes.ts';

/** A picture's size in pixels. */
interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly bytesPerPixel: number;
}

/** Of screens: width and height. */
const MODES: readonly (readonly [number, number])[] = [
  [640, 480],
  [800, 600],
  [1024, 600],
  [1024, 768],
  [1280, 720],
  [1280, 800],
  [1280, 1024],
  [1366, 768],
  [1440, 900],
  [1600, 900],
  [1680, 1050],
  [1920, 1080],
  [1920, 1200],
  [2560, 1440],
  [2560, 1600],
  [3440, 1440],
  [3840, 2160],
  [5120, 2880],
  [7680, 4320],
];
const PAGE_BYTES: number = 4 * KiB;
const BYTES_PER_PIXEL = [4, 2] as const;
/** Of a workload's fields, as is the width. */
const HEIGHT_MAX = 10_000;
const WIDTH_MAX = 10_000;
/** Of a workload's field: pixels of rows that would have too many. */
const BYTES_PER_PIXEL_MAX = 16;
/** What width, height and pixels allow. */
const ROW_PAGES_MAX: number = Math.floor((WIDTH_MAX * BYTES_PER_PIXEL_MAX) / PAGE_BYTES);

/**
 * The picture that a buffer of so many bytes holds: that of a screen's mode, whose buffer ends with
 * the page it ends in; else rows of whole pages that are just as long, or the next longer. Above
 * 1.5 GiB, the largest that a workload can have.
 */
export function pictureSizeOf(lengthBytes: number): PictureSize {
  for (const bytesPerPixel of BYTES_PER_PIXEL)
    for (const [width, height] of MODES)
      if (roundUpToPages(width * height * bytesPerPixel) === roundUpToPages(lengthBytes))
        return { width, height, bytesPerPixel };
  const rowPages = Math.min(ROW_PAGES_MAX, Math.ceil(lengthBytes / PAGE_BYTES / HEIGHT_MAX));
  const bytesPerPixel = (rowPages * PAGE_BYTES) / 4 <= WIDTH_MAX ? 4 : BYTES_PER_PIXEL_MAX;
  return {
    width: (rowPages * PAGE_BYTES) / bytesPerPixel,
    height: Math.min(HEIGHT_MAX, Math.ceil(lengthBytes / (rowPages * PAGE_BYTES))),
    bytesPerPixel,
  };
}

function roundUpToPages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}
