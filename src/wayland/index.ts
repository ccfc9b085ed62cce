/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/wayland`: pictures in buffers in a window of a Wayland compositor, without a copy. */

export { captureScreen } from './capture-screen.ts';
export type { CaptureOptions } from './capture-screen.ts';
export { openWindow } from './open-window.ts';
export type { WindowOptions } from './open-window.ts';
export type { ShowOptions, ShownPicture, Window, WindowEvents, WindowSize } from './window.ts';
export type { KeyEvent, PointerEvent } from './window-input.ts';
