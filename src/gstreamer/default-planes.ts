import { roundUp } from '../base/quantities.ts';
import { rowsOf } from '../picture/frame-flaw.ts';
import type { PlaneDescription } from '../picture/frame-flaw.ts';
import { videoFormatOf } from './video-format.ts';
import type { VideoCaps } from './video-caps.ts';

/** Where a plane lies in a frame's memories, put one behind the other. */
export type VideoPlane = Omit<PlaneDescription, 'bufferIndex'>;

/** Of every stride, in bytes. */
const STRIDE_ALIGNMENT = 4;

/**
 * Where GStreamer puts the planes of a frame that has no `GstVideoMeta`: each row rounded up to 4
 * bytes, planes in order and without gaps, and the chroma planes of 4:2:0 after an even number of
 * rows (gst-libs/gst/video/video-info.c, fill_planes).
 */
export function defaultPlanes({ format, width, height }: Pick<VideoCaps, 'format' | 'width' | 'height'>): VideoPlane[] {
  const { planes } = videoFormatOf(format).pixels;
  const evenHeight = roundUp(height, Math.max(...planes.map((plane) => plane.verticalSubsampling)));
  const evenWidth = roundUp(width, Math.max(...planes.map((plane) => plane.horizontalSubsampling)));
  let offset = 0;
  return planes.map((plane) => {
    // A row of luma is as wide as the picture, one of chroma as half of what was rounded up to
    // even.
    const { rowBytes } = rowsOf(plane, plane.horizontalSubsampling === 1 ? width : evenWidth, height);
    const stride = roundUp(rowBytes, STRIDE_ALIGNMENT);
    const length = rowsOf(plane, width, evenHeight).rowCount * stride;
    const placed = { offset, stride, length };
    offset += length;
    return placed;
  });
}
