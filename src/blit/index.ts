/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/blit`: pictures copied, converted, scaled, mirrored and turned from buffer to buffer. */

export { createBlitter } from './blitter.ts';
export type { Blitter, BlitterOptions } from './blitter.ts';
export { BLIT_FORMATS } from './blit-format.ts';
export type { BlitFormatName } from './blit-format.ts';
export type { BlitOptions } from './blit-options.ts';
export type { ColorEncoding, ColorRange } from '../picture/picture-colors.ts';
export type { BlitColors } from './blit-colors.ts';
export type { Flip, Rotation } from './orientation.ts';
export type { PictureSize, Rectangle } from '../base/rectangle.ts';
export type { Filter } from './scale-table.ts';
