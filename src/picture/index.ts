/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/picture`: the meaning of the bytes of a picture, and where they lie. */

export { describeFrame } from './describe-frame.ts';
export type { FrameOptions } from './describe-frame.ts';
export { encodePng } from './encode-png.ts';
export { createJpegDecoder } from './jpeg/jpeg-decoder.ts';
export type { JpegDecoder } from './jpeg/jpeg-decoder.ts';
export { FrameDescription } from './frame-description.ts';
export type { FrameFields, PlaneDescription } from './frame-flaw.ts';
export { FrameLayout } from './frame-layout.ts';
export type { FramePlane } from './frame-layout.ts';
export type { PlaneView } from './plane-view.ts';
export type { ColorEncoding, ColorRange } from './picture-colors.ts';
export { findPixelFormat, findV4l2PixelFormat } from './pixel-format.ts';
export type { V4l2PixelFormat } from './pixel-format.ts';
export type { PixelFormat, PixelFormatName, PixelPlane } from './pixel-format-table.ts';
export { formatFourcc, parseFourcc } from './fourcc.ts';
export * from '../uapi/drm-fourcc.ts';
export * from '../uapi/videodev2-formats.ts';
