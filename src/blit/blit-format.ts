import type { PixelFormatName } from '../picture/pixel-format-table.ts';

/** How the module knows a format (`Kind` and `Picture` in assembly/job.ts). */
export interface BlitFormat {
  readonly kind: number;
  /** Cr before Cb, or red at the lowest address or bits. */
  readonly swapped: boolean;
  /** 1 where two rows share their colour. */
  readonly verticalShift: number;
  /** Whether pixels are Y, Cb and Cr. Two side by side share their colour then. */
  readonly isYcbcr: boolean;
}

const LUMA_FIRST = 0;
const CHROMA_FIRST = 1;
const SEMI_PLANAR = 2;
const PLANAR = 3;
const FOUR_BYTES = 4;
const THREE_BYTES = 5;
const SIXTEEN_BITS = 6;

function ycbcr(kind: number, verticalShift: number, swapped = false): BlitFormat {
  return { kind, swapped, verticalShift, isYcbcr: true };
}

function rgb(kind: number, swapped = false): BlitFormat {
  return { kind, swapped, verticalShift: 0, isYcbcr: false };
}

const FORMATS = {
  YUYV: ycbcr(LUMA_FIRST, 0),
  YVYU: ycbcr(LUMA_FIRST, 0, true),
  UYVY: ycbcr(CHROMA_FIRST, 0),
  VYUY: ycbcr(CHROMA_FIRST, 0, true),
  NV12: ycbcr(SEMI_PLANAR, 1),
  NV21: ycbcr(SEMI_PLANAR, 1, true),
  NV16: ycbcr(SEMI_PLANAR, 0),
  NV61: ycbcr(SEMI_PLANAR, 0, true),
  YUV420: ycbcr(PLANAR, 1),
  YVU420: ycbcr(PLANAR, 1, true),
  YUV422: ycbcr(PLANAR, 0),
  YVU422: ycbcr(PLANAR, 0, true),
  RGB888: rgb(THREE_BYTES),
  BGR888: rgb(THREE_BYTES, true),
  XRGB8888: rgb(FOUR_BYTES),
  ARGB8888: rgb(FOUR_BYTES),
  XBGR8888: rgb(FOUR_BYTES, true),
  ABGR8888: rgb(FOUR_BYTES, true),
  RGB565: rgb(SIXTEEN_BITS),
  BGR565: rgb(SIXTEEN_BITS, true),
} as const satisfies Partial<Record<PixelFormatName, BlitFormat>>;

/** A format that `Blitter.blit` reads and writes. */
export type BlitFormatName = keyof typeof FORMATS;

/**
 * The formats that `Blitter.blit` reads and writes: each into each. The names are DRM's, so that
 * the first byte of an XRGB8888 or RGB888 pixel is blue.
 */
export const BLIT_FORMATS: readonly BlitFormatName[] = Object.freeze(Object.keys(FORMATS) as BlitFormatName[]);

/** Undefined for what is not among {@link BLIT_FORMATS}. */
export function findBlitFormat(name: PixelFormatName | undefined): BlitFormat | undefined {
  return name !== undefined && Object.hasOwn(FORMATS, name) ? FORMATS[name as BlitFormatName] : undefined;
}

/** Whether `format` is stored as four bytes a pixel. */
export function hasFourBytes(format: BlitFormat): boolean {
  return format.kind === FOUR_BYTES;
}

/** Whether pixels side by side are stored together with their colour. */
export function hasStoredPairs(format: BlitFormat): boolean {
  return format.kind === LUMA_FIRST || format.kind === CHROMA_FIRST;
}
