/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/drm`: screens, and pictures in buffers on them. */

export { listDisplays } from './list-displays.ts';
export type { AvailableDisplay, DisplayListing, UnavailableDisplay } from './list-displays.ts';
export type {
  CardCapabilities,
  DisplayCard,
  DisplayClock,
  DisplayConnector,
  DisplayCrtc,
  DisplayPlane,
  PlaneFormat,
} from './display-card.ts';
export type { DisplayMode } from './display-mode.ts';
export type { ModeInfo } from '../linux/calls/drm-mode-calls.ts';
export { openDisplay } from './open-display.ts';
export type { DisplayOptions } from './display-options.ts';
export type { ModeRequest } from './choose-screen.ts';
export type { Display, Flip } from './display.ts';
export type { Framebuffer } from './framebuffer.ts';
export type { DumbFrameOptions } from './dumb-frame.ts';
export type { ShowOptions } from './show-options.ts';
export type { PictureSize, Rectangle } from '../base/rectangle.ts';
