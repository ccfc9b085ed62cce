/**
 * include/uapi/linux/videodev2.h: pixel formats as the kernel's camera side names them.
 *
 * The letters of a name are bytes in memory: XBGR32 ends in the unused byte. So V4L2's XBGR32 is
 * DRM's XRGB8888, and both have the number `XR24`. Some numbers mean one thing to V4L2 and another
 * to DRM: `BA12` is SGRBG12 here and BGRA4444 there.
 */

import type { Brand } from '../base/quantities.ts';
import { fourccCode } from './fourcc-code.ts';

/** A pixel format's number, as V4L2 has it (`v4l2_pix_format.pixelformat`). */
export type V4l2Fourcc = Brand<number, 'V4l2Fourcc'>;

function v4l2Fourcc(characters: string): V4l2Fourcc {
  const code: number = fourccCode(characters);
  return code as V4l2Fourcc;
}

/** One channel of 8 bits: grey. */
export const V4L2_PIX_FMT_GREY: V4l2Fourcc = v4l2Fourcc('GREY');
/** One channel of 16 bits: grey. */
export const V4L2_PIX_FMT_Y16: V4l2Fourcc = v4l2Fourcc('Y16 ');
/** From the highest bit: red, green, blue, 5:6:5. */
export const V4L2_PIX_FMT_RGB565: V4l2Fourcc = v4l2Fourcc('RGBP');
/** Bytes in memory: red, green, blue. */
export const V4L2_PIX_FMT_RGB24: V4l2Fourcc = v4l2Fourcc('RGB3');
/** Bytes in memory: blue, green, red. */
export const V4L2_PIX_FMT_BGR24: V4l2Fourcc = v4l2Fourcc('BGR3');
/** Bytes in memory: unused, blue, green, red. */
export const V4L2_PIX_FMT_XBGR32: V4l2Fourcc = v4l2Fourcc('XR24');
/** Bytes in memory: red, green, blue, unused. */
export const V4L2_PIX_FMT_RGBX32: V4l2Fourcc = v4l2Fourcc('XB24');
/** Bytes in memory: blue, green, red, unused. */
export const V4L2_PIX_FMT_BGRX32: V4l2Fourcc = v4l2Fourcc('RX24');
/** Bytes in memory: unused, red, green, blue. */
export const V4L2_PIX_FMT_XRGB32: V4l2Fourcc = v4l2Fourcc('BX24');
/** Bytes in memory: alpha, blue, green, red. */
export const V4L2_PIX_FMT_ABGR32: V4l2Fourcc = v4l2Fourcc('AR24');
/** Bytes in memory: red, green, blue, alpha. */
export const V4L2_PIX_FMT_RGBA32: V4l2Fourcc = v4l2Fourcc('AB24');
/** Bytes in memory: blue, green, red, alpha. */
export const V4L2_PIX_FMT_BGRA32: V4l2Fourcc = v4l2Fourcc('RA24');
/** Bytes in memory: alpha, red, green, blue. */
export const V4L2_PIX_FMT_ARGB32: V4l2Fourcc = v4l2Fourcc('BA24');
/** Bytes of Y, Cb, Y, Cr for two pixels, 4:2:2. */
export const V4L2_PIX_FMT_YUYV: V4l2Fourcc = v4l2Fourcc('YUYV');
/** Bytes of Y, Cr, Y, Cb for two pixels, 4:2:2. */
export const V4L2_PIX_FMT_YVYU: V4l2Fourcc = v4l2Fourcc('YVYU');
/** Bytes of Cb, Y, Cr, Y for two pixels, 4:2:2. */
export const V4L2_PIX_FMT_UYVY: V4l2Fourcc = v4l2Fourcc('UYVY');
/** Bytes of Cr, Y, Cb, Y for two pixels, 4:2:2. */
export const V4L2_PIX_FMT_VYUY: V4l2Fourcc = v4l2Fourcc('VYUY');
/** Y in one plane, Cb, Cr in turns in another, 4:2:0. */
export const V4L2_PIX_FMT_NV12: V4l2Fourcc = v4l2Fourcc('NV12');
/** Y in one plane, Cr, Cb in turns in another, 4:2:0. */
export const V4L2_PIX_FMT_NV21: V4l2Fourcc = v4l2Fourcc('NV21');
/** Y in one plane, Cb, Cr in turns in another, 4:2:2. */
export const V4L2_PIX_FMT_NV16: V4l2Fourcc = v4l2Fourcc('NV16');
/** Y in one plane, Cr, Cb in turns in another, 4:2:2. */
export const V4L2_PIX_FMT_NV61: V4l2Fourcc = v4l2Fourcc('NV61');
/** Y in one plane, Cb, Cr in turns in another, 4:4:4. */
export const V4L2_PIX_FMT_NV24: V4l2Fourcc = v4l2Fourcc('NV24');
/** Y in one plane, Cr, Cb in turns in another, 4:4:4. */
export const V4L2_PIX_FMT_NV42: V4l2Fourcc = v4l2Fourcc('NV42');
/** As NV12, with 10 bits in the upper part of 16. */
export const V4L2_PIX_FMT_P010: V4l2Fourcc = v4l2Fourcc('P010');
/** Y in one plane, Cb, Cr in turns in another, 4:2:0, each plane in a memory of its own. */
export const V4L2_PIX_FMT_NV12M: V4l2Fourcc = v4l2Fourcc('NM12');
/** Y in one plane, Cr, Cb in turns in another, 4:2:0, each plane in a memory of its own. */
export const V4L2_PIX_FMT_NV21M: V4l2Fourcc = v4l2Fourcc('NM21');
/** Y in one plane, Cb, Cr in turns in another, 4:2:2, each plane in a memory of its own. */
export const V4L2_PIX_FMT_NV16M: V4l2Fourcc = v4l2Fourcc('NM16');
/** Y in one plane, Cr, Cb in turns in another, 4:2:2, each plane in a memory of its own. */
export const V4L2_PIX_FMT_NV61M: V4l2Fourcc = v4l2Fourcc('NM61');
/** Planes of Y, Cb, Cr, 4:2:0. */
export const V4L2_PIX_FMT_YUV420: V4l2Fourcc = v4l2Fourcc('YU12');
/** Planes of Y, Cr, Cb, 4:2:0. */
export const V4L2_PIX_FMT_YVU420: V4l2Fourcc = v4l2Fourcc('YV12');
/** Planes of Y, Cb, Cr, 4:2:2. */
export const V4L2_PIX_FMT_YUV422P: V4l2Fourcc = v4l2Fourcc('422P');
/** Planes of Y, Cb, Cr, 4:2:0, each plane in a memory of its own. */
export const V4L2_PIX_FMT_YUV420M: V4l2Fourcc = v4l2Fourcc('YM12');
/** Planes of Y, Cr, Cb, 4:2:0, each plane in a memory of its own. */
export const V4L2_PIX_FMT_YVU420M: V4l2Fourcc = v4l2Fourcc('YM21');
/** Planes of Y, Cb, Cr, 4:2:2, each plane in a memory of its own. */
export const V4L2_PIX_FMT_YUV422M: V4l2Fourcc = v4l2Fourcc('YM16');
/** Planes of Y, Cr, Cb, 4:2:2, each plane in a memory of its own. */
export const V4L2_PIX_FMT_YVU422M: V4l2Fourcc = v4l2Fourcc('YM61');
/** Planes of Y, Cb, Cr, 4:4:4, each plane in a memory of its own. */
export const V4L2_PIX_FMT_YUV444M: V4l2Fourcc = v4l2Fourcc('YM24');
/** Planes of Y, Cr, Cb, 4:4:4, each plane in a memory of its own. */
export const V4L2_PIX_FMT_YVU444M: V4l2Fourcc = v4l2Fourcc('YM42');
/** Bayer: rows of BG and GR in turns, 8 bits each. */
export const V4L2_PIX_FMT_SBGGR8: V4l2Fourcc = v4l2Fourcc('BA81');
/** Bayer: rows of GB and RG in turns, 8 bits each. */
export const V4L2_PIX_FMT_SGBRG8: V4l2Fourcc = v4l2Fourcc('GBRG');
/** Bayer: rows of GR and BG in turns, 8 bits each. */
export const V4L2_PIX_FMT_SGRBG8: V4l2Fourcc = v4l2Fourcc('GRBG');
/** Bayer: rows of RG and GB in turns, 8 bits each. */
export const V4L2_PIX_FMT_SRGGB8: V4l2Fourcc = v4l2Fourcc('RGGB');
/** Bayer: rows of BG and GR in turns, 10 bits each. */
export const V4L2_PIX_FMT_SBGGR10: V4l2Fourcc = v4l2Fourcc('BG10');
/** Bayer: rows of GB and RG in turns, 10 bits each. */
export const V4L2_PIX_FMT_SGBRG10: V4l2Fourcc = v4l2Fourcc('GB10');
/** Bayer: rows of GR and BG in turns, 10 bits each. */
export const V4L2_PIX_FMT_SGRBG10: V4l2Fourcc = v4l2Fourcc('BA10');
/** Bayer: rows of RG and GB in turns, 10 bits each. */
export const V4L2_PIX_FMT_SRGGB10: V4l2Fourcc = v4l2Fourcc('RG10');
/** Bayer: rows of BG and GR in turns, 12 bits each. */
export const V4L2_PIX_FMT_SBGGR12: V4l2Fourcc = v4l2Fourcc('BG12');
/** Bayer: rows of GB and RG in turns, 12 bits each. */
export const V4L2_PIX_FMT_SGBRG12: V4l2Fourcc = v4l2Fourcc('GB12');
/** Bayer: rows of GR and BG in turns, 12 bits each. */
export const V4L2_PIX_FMT_SGRBG12: V4l2Fourcc = v4l2Fourcc('BA12');
/** Bayer: rows of RG and GB in turns, 12 bits each. */
export const V4L2_PIX_FMT_SRGGB12: V4l2Fourcc = v4l2Fourcc('RG12');
/** Motion JPEG: compressed, a picture of its own each. */
export const V4L2_PIX_FMT_MJPEG: V4l2Fourcc = v4l2Fourcc('MJPG');
/** JPEG: compressed. */
export const V4L2_PIX_FMT_JPEG: V4l2Fourcc = v4l2Fourcc('JPEG');
