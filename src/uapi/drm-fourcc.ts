/**
 * include/uapi/drm/drm_fourcc.h: pixel formats as the kernel's display side names them.
 *
 * The letters of a name are bits from the highest to the lowest of a little-endian word: XRGB8888
 * has blue in its first byte.
 */

import { fourccCode } from './fourcc-code.ts';
import type { Fourcc } from './fourcc-code.ts';

export type { Fourcc };

/** Linear: rows of pixels one after the other. */
export const DRM_FORMAT_MOD_LINEAR = 0n;
/** Unknown layout: only the driver that wrote the pixels knows it. */
export const DRM_FORMAT_MOD_INVALID = 0x00ff_ffff_ffff_ffffn;

/** One channel of 8 bits: grey. */
export const DRM_FORMAT_R8: Fourcc = fourccCode('R8  ');
/** One channel of 16 bits: grey. */
export const DRM_FORMAT_R16: Fourcc = fourccCode('R16 ');
/** From the highest bit: red, green, blue, 5:6:5. */
export const DRM_FORMAT_RGB565: Fourcc = fourccCode('RG16');
/** From the highest bit: blue, green, red, 5:6:5. */
export const DRM_FORMAT_BGR565: Fourcc = fourccCode('BG16');
/** From the highest bit: red, green, blue, 8:8:8. */
export const DRM_FORMAT_RGB888: Fourcc = fourccCode('RG24');
/** From the highest bit: blue, green, red, 8:8:8. */
export const DRM_FORMAT_BGR888: Fourcc = fourccCode('BG24');
/** From the highest bit: unused, red, green, blue, 8:8:8:8. */
export const DRM_FORMAT_XRGB8888: Fourcc = fourccCode('XR24');
/** From the highest bit: unused, blue, green, red, 8:8:8:8. */
export const DRM_FORMAT_XBGR8888: Fourcc = fourccCode('XB24');
/** From the highest bit: red, green, blue, unused, 8:8:8:8. */
export const DRM_FORMAT_RGBX8888: Fourcc = fourccCode('RX24');
/** From the highest bit: blue, green, red, unused, 8:8:8:8. */
export const DRM_FORMAT_BGRX8888: Fourcc = fourccCode('BX24');
/** From the highest bit: alpha, red, green, blue, 8:8:8:8. */
export const DRM_FORMAT_ARGB8888: Fourcc = fourccCode('AR24');
/** From the highest bit: alpha, blue, green, red, 8:8:8:8. */
export const DRM_FORMAT_ABGR8888: Fourcc = fourccCode('AB24');
/** From the highest bit: red, green, blue, alpha, 8:8:8:8. */
export const DRM_FORMAT_RGBA8888: Fourcc = fourccCode('RA24');
/** From the highest bit: blue, green, red, alpha, 8:8:8:8. */
export const DRM_FORMAT_BGRA8888: Fourcc = fourccCode('BA24');
/** From the highest bit: unused, red, green, blue, 2:10:10:10. */
export const DRM_FORMAT_XRGB2101010: Fourcc = fourccCode('XR30');
/** From the highest bit: unused, blue, green, red, 2:10:10:10. */
export const DRM_FORMAT_XBGR2101010: Fourcc = fourccCode('XB30');
/** From the highest bit: alpha, red, green, blue, 2:10:10:10. */
export const DRM_FORMAT_ARGB2101010: Fourcc = fourccCode('AR30');
/** From the highest bit: alpha, blue, green, red, 2:10:10:10. */
export const DRM_FORMAT_ABGR2101010: Fourcc = fourccCode('AB30');
/** From the highest bit: unused, red, green, blue, 16:16:16:16. */
export const DRM_FORMAT_XRGB16161616: Fourcc = fourccCode('XR48');
/** From the highest bit: unused, blue, green, red, 16:16:16:16. */
export const DRM_FORMAT_XBGR16161616: Fourcc = fourccCode('XB48');
/** From the highest bit: alpha, red, green, blue, 16:16:16:16. */
export const DRM_FORMAT_ARGB16161616: Fourcc = fourccCode('AR48');
/** From the highest bit: alpha, blue, green, red, 16:16:16:16. */
export const DRM_FORMAT_ABGR16161616: Fourcc = fourccCode('AB48');
/** From the highest bit: alpha, blue, green, red, 16:16:16:16, each a number of half precision. */
export const DRM_FORMAT_ABGR16161616F: Fourcc = fourccCode('AB4H');
/** Bytes of Y, Cb, Y, Cr for two pixels, 4:2:2. */
export const DRM_FORMAT_YUYV: Fourcc = fourccCode('YUYV');
/** Bytes of Y, Cr, Y, Cb for two pixels, 4:2:2. */
export const DRM_FORMAT_YVYU: Fourcc = fourccCode('YVYU');
/** Bytes of Cb, Y, Cr, Y for two pixels, 4:2:2. */
export const DRM_FORMAT_UYVY: Fourcc = fourccCode('UYVY');
/** Bytes of Cr, Y, Cb, Y for two pixels, 4:2:2. */
export const DRM_FORMAT_VYUY: Fourcc = fourccCode('VYUY');
/** Y in one plane, Cb, Cr in turns in another, 4:2:0. */
export const DRM_FORMAT_NV12: Fourcc = fourccCode('NV12');
/** Y in one plane, Cr, Cb in turns in another, 4:2:0. */
export const DRM_FORMAT_NV21: Fourcc = fourccCode('NV21');
/** Y in one plane, Cb, Cr in turns in another, 4:2:2. */
export const DRM_FORMAT_NV16: Fourcc = fourccCode('NV16');
/** Y in one plane, Cr, Cb in turns in another, 4:2:2. */
export const DRM_FORMAT_NV61: Fourcc = fourccCode('NV61');
/** Y in one plane, Cb, Cr in turns in another, 4:4:4. */
export const DRM_FORMAT_NV24: Fourcc = fourccCode('NV24');
/** Y in one plane, Cr, Cb in turns in another, 4:4:4. */
export const DRM_FORMAT_NV42: Fourcc = fourccCode('NV42');
/** As NV12, with 10 bits in the upper part of 16. */
export const DRM_FORMAT_P010: Fourcc = fourccCode('P010');
/** Planes of Y, Cb, Cr, 4:2:0. */
export const DRM_FORMAT_YUV420: Fourcc = fourccCode('YU12');
/** Planes of Y, Cr, Cb, 4:2:0. */
export const DRM_FORMAT_YVU420: Fourcc = fourccCode('YV12');
/** Planes of Y, Cb, Cr, 4:2:2. */
export const DRM_FORMAT_YUV422: Fourcc = fourccCode('YU16');
/** Planes of Y, Cr, Cb, 4:2:2. */
export const DRM_FORMAT_YVU422: Fourcc = fourccCode('YV16');
/** Planes of Y, Cb, Cr, 4:4:4. */
export const DRM_FORMAT_YUV444: Fourcc = fourccCode('YU24');
/** Planes of Y, Cr, Cb, 4:4:4. */
export const DRM_FORMAT_YVU444: Fourcc = fourccCode('YV24');
