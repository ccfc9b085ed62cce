import * as drm from '../uapi/drm-fourcc.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import * as v4l2 from '../uapi/videodev2-formats.ts';
import type { V4l2Fourcc } from '../uapi/videodev2-formats.ts';

/** How the samples of one plane are stored. */
export interface PixelPlane {
  /** The number of the plane's pixels that are stored together. */
  readonly blockWidth: number;
  /** The bytes of such a block. */
  readonly blockBytes: number;
  /** Horizontal subsampling: how many pixels of the picture share one of the plane, across. */
  readonly horizontalSubsampling: number;
  /** Vertical subsampling. */
  readonly verticalSubsampling: number;
}

/** A pixel format. */
export interface PixelFormat {
  /** DRM's name, without `DRM_FORMAT_`; V4L2's, without `V4L2_PIX_FMT_`, where DRM has none. */
  readonly name: PixelFormatName;
  /** The number, as DRM has it. */
  readonly fourcc: Fourcc;
  /** Whether a picture is a stream of bytes of varying length. */
  readonly compressed: boolean;
  /** In storage order. A compressed picture has one plane, without rows. */
  readonly planes: readonly PixelPlane[];
  /** V4L2's number for pictures whose planes lie in one buffer. */
  readonly v4l2: V4l2Fourcc | undefined;
  /** V4L2's number for pictures with one buffer per plane. */
  readonly v4l2Separate: V4l2Fourcc | undefined;
}

type Row = Omit<PixelFormat, 'name'>;

/** V4L2's numbers of a format. */
type V4l2Pair = readonly [contiguous?: V4l2Fourcc | undefined, separate?: V4l2Fourcc | undefined];

const COMPRESSED_PLANE: PixelPlane = {
  blockWidth: 1,
  blockBytes: 0,
  horizontalSubsampling: 1,
  verticalSubsampling: 1,
};

function plane(blockBytes: number, [horizontal, vertical]: readonly [number, number] = [1, 1]): PixelPlane {
  return { blockWidth: 1, blockBytes, horizontalSubsampling: horizontal, verticalSubsampling: vertical };
}

function row(fourcc: Fourcc, planes: readonly PixelPlane[], [contiguous, separate]: V4l2Pair): Row {
  return { fourcc, compressed: false, planes, v4l2: contiguous, v4l2Separate: separate };
}

/** One plane, with so many bytes per pixel. */
function packed(fourcc: Fourcc, bytes: number, numbers: V4l2Pair = []): Row {
  return row(fourcc, [plane(bytes)], numbers);
}

/** Two pixels in four bytes, which share one chroma sample. */
function packedPairs(fourcc: Fourcc, numbers: V4l2Pair): Row {
  return row(fourcc, [{ ...plane(4), blockWidth: 2 }], numbers);
}

/** A plane of luma, and one of both chroma components. */
function semiPlanar(
  fourcc: Fourcc,
  { subsampling, sampleBytes = 1 }: { subsampling: readonly [number, number]; sampleBytes?: number },
  numbers: V4l2Pair,
): Row {
  return row(fourcc, [plane(sampleBytes), plane(2 * sampleBytes, subsampling)], numbers);
}

/** A plane of luma, and one of each chroma component. */
function planar(fourcc: Fourcc, subsampling: readonly [number, number], numbers: V4l2Pair = []): Row {
  return row(fourcc, [plane(1), plane(1, subsampling), plane(1, subsampling)], numbers);
}

/** V4L2's own: DRM has no number for it. */
function onlyV4l2(code: V4l2Fourcc, bytes: number): Row {
  return packed(sameNumber(code), bytes, [code]);
}

function compressed(code: V4l2Fourcc): Row {
  const row = onlyV4l2(code, 0);
  return { ...row, compressed: true, planes: [COMPRESSED_PLANE] };
}

function sameNumber(code: V4l2Fourcc): Fourcc {
  const number: number = code;
  return number as Fourcc;
}

const BOTH_2: readonly [number, number] = [2, 2];
const ACROSS_2: readonly [number, number] = [2, 1];
const FULL: readonly [number, number] = [1, 1];

/**
 * From `drm_format_info` (drivers/gpu/drm/drm_fourcc.c), and from `v4l2_format_info`
 * (drivers/media/v4l2-core/v4l2-common.c) for formats that DRM lacks.
 */
const FORMATS = {
  R8: packed(drm.DRM_FORMAT_R8, 1, [v4l2.V4L2_PIX_FMT_GREY]),
  R16: packed(drm.DRM_FORMAT_R16, 2, [v4l2.V4L2_PIX_FMT_Y16]),
  RGB565: packed(drm.DRM_FORMAT_RGB565, 2, [v4l2.V4L2_PIX_FMT_RGB565]),
  BGR565: packed(drm.DRM_FORMAT_BGR565, 2),
  RGB888: packed(drm.DRM_FORMAT_RGB888, 3, [v4l2.V4L2_PIX_FMT_BGR24]),
  BGR888: packed(drm.DRM_FORMAT_BGR888, 3, [v4l2.V4L2_PIX_FMT_RGB24]),
  XRGB8888: packed(drm.DRM_FORMAT_XRGB8888, 4, [v4l2.V4L2_PIX_FMT_XBGR32]),
  XBGR8888: packed(drm.DRM_FORMAT_XBGR8888, 4, [v4l2.V4L2_PIX_FMT_RGBX32]),
  RGBX8888: packed(drm.DRM_FORMAT_RGBX8888, 4, [v4l2.V4L2_PIX_FMT_BGRX32]),
  BGRX8888: packed(drm.DRM_FORMAT_BGRX8888, 4, [v4l2.V4L2_PIX_FMT_XRGB32]),
  ARGB8888: packed(drm.DRM_FORMAT_ARGB8888, 4, [v4l2.V4L2_PIX_FMT_ABGR32]),
  ABGR8888: packed(drm.DRM_FORMAT_ABGR8888, 4, [v4l2.V4L2_PIX_FMT_RGBA32]),
  RGBA8888: packed(drm.DRM_FORMAT_RGBA8888, 4, [v4l2.V4L2_PIX_FMT_BGRA32]),
  BGRA8888: packed(drm.DRM_FORMAT_BGRA8888, 4, [v4l2.V4L2_PIX_FMT_ARGB32]),
  XRGB2101010: packed(drm.DRM_FORMAT_XRGB2101010, 4),
  XBGR2101010: packed(drm.DRM_FORMAT_XBGR2101010, 4),
  ARGB2101010: packed(drm.DRM_FORMAT_ARGB2101010, 4),
  ABGR2101010: packed(drm.DRM_FORMAT_ABGR2101010, 4),
  XRGB16161616: packed(drm.DRM_FORMAT_XRGB16161616, 8),
  XBGR16161616: packed(drm.DRM_FORMAT_XBGR16161616, 8),
  ARGB16161616: packed(drm.DRM_FORMAT_ARGB16161616, 8),
  ABGR16161616: packed(drm.DRM_FORMAT_ABGR16161616, 8),
  ABGR16161616F: packed(drm.DRM_FORMAT_ABGR16161616F, 8),
  YUYV: packedPairs(drm.DRM_FORMAT_YUYV, [v4l2.V4L2_PIX_FMT_YUYV]),
  YVYU: packedPairs(drm.DRM_FORMAT_YVYU, [v4l2.V4L2_PIX_FMT_YVYU]),
  UYVY: packedPairs(drm.DRM_FORMAT_UYVY, [v4l2.V4L2_PIX_FMT_UYVY]),
  VYUY: packedPairs(drm.DRM_FORMAT_VYUY, [v4l2.V4L2_PIX_FMT_VYUY]),
  NV12: semiPlanar(drm.DRM_FORMAT_NV12, { subsampling: BOTH_2 }, [v4l2.V4L2_PIX_FMT_NV12, v4l2.V4L2_PIX_FMT_NV12M]),
  NV21: semiPlanar(drm.DRM_FORMAT_NV21, { subsampling: BOTH_2 }, [v4l2.V4L2_PIX_FMT_NV21, v4l2.V4L2_PIX_FMT_NV21M]),
  NV16: semiPlanar(drm.DRM_FORMAT_NV16, { subsampling: ACROSS_2 }, [v4l2.V4L2_PIX_FMT_NV16, v4l2.V4L2_PIX_FMT_NV16M]),
  NV61: semiPlanar(drm.DRM_FORMAT_NV61, { subsampling: ACROSS_2 }, [v4l2.V4L2_PIX_FMT_NV61, v4l2.V4L2_PIX_FMT_NV61M]),
  NV24: semiPlanar(drm.DRM_FORMAT_NV24, { subsampling: FULL }, [v4l2.V4L2_PIX_FMT_NV24]),
  NV42: semiPlanar(drm.DRM_FORMAT_NV42, { subsampling: FULL }, [v4l2.V4L2_PIX_FMT_NV42]),
  // As DRM has it. V4L2's table has chroma of two bytes at full height: the same size for even
  // heights.
  P010: semiPlanar(drm.DRM_FORMAT_P010, { subsampling: BOTH_2, sampleBytes: 2 }, [v4l2.V4L2_PIX_FMT_P010]),
  YUV420: planar(drm.DRM_FORMAT_YUV420, BOTH_2, [v4l2.V4L2_PIX_FMT_YUV420, v4l2.V4L2_PIX_FMT_YUV420M]),
  YVU420: planar(drm.DRM_FORMAT_YVU420, BOTH_2, [v4l2.V4L2_PIX_FMT_YVU420, v4l2.V4L2_PIX_FMT_YVU420M]),
  YUV422: planar(drm.DRM_FORMAT_YUV422, ACROSS_2, [v4l2.V4L2_PIX_FMT_YUV422P, v4l2.V4L2_PIX_FMT_YUV422M]),
  YVU422: planar(drm.DRM_FORMAT_YVU422, ACROSS_2, [undefined, v4l2.V4L2_PIX_FMT_YVU422M]),
  YUV444: planar(drm.DRM_FORMAT_YUV444, FULL, [undefined, v4l2.V4L2_PIX_FMT_YUV444M]),
  YVU444: planar(drm.DRM_FORMAT_YVU444, FULL, [undefined, v4l2.V4L2_PIX_FMT_YVU444M]),
  SBGGR8: onlyV4l2(v4l2.V4L2_PIX_FMT_SBGGR8, 1),
  SGBRG8: onlyV4l2(v4l2.V4L2_PIX_FMT_SGBRG8, 1),
  SGRBG8: onlyV4l2(v4l2.V4L2_PIX_FMT_SGRBG8, 1),
  SRGGB8: onlyV4l2(v4l2.V4L2_PIX_FMT_SRGGB8, 1),
  SBGGR10: onlyV4l2(v4l2.V4L2_PIX_FMT_SBGGR10, 2),
  SGBRG10: onlyV4l2(v4l2.V4L2_PIX_FMT_SGBRG10, 2),
  SGRBG10: onlyV4l2(v4l2.V4L2_PIX_FMT_SGRBG10, 2),
  SRGGB10: onlyV4l2(v4l2.V4L2_PIX_FMT_SRGGB10, 2),
  SBGGR12: onlyV4l2(v4l2.V4L2_PIX_FMT_SBGGR12, 2),
  SGBRG12: onlyV4l2(v4l2.V4L2_PIX_FMT_SGBRG12, 2),
  SGRBG12: onlyV4l2(v4l2.V4L2_PIX_FMT_SGRBG12, 2),
  SRGGB12: onlyV4l2(v4l2.V4L2_PIX_FMT_SRGGB12, 2),
  MJPEG: compressed(v4l2.V4L2_PIX_FMT_MJPEG),
  JPEG: compressed(v4l2.V4L2_PIX_FMT_JPEG),
} as const satisfies Readonly<Record<string, Row>>;

/** The names of the formats with known sizes. */
export type PixelFormatName = keyof typeof FORMATS;

export const PIXEL_FORMATS: readonly PixelFormat[] = Object.entries(FORMATS).map(([name, row]) =>
  Object.freeze({ name: name as PixelFormatName, ...row }),
);
