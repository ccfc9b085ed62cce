/**
 * What host and camera agree on before the video flows: the video probe and commit controls, 34
 * bytes in version 1.1 of the class.
 */

import { frameBytesMax } from './camera-description.ts';
import type { CameraDescription, CameraFormat, CameraFrameSize } from './camera-description.ts';
import { pack, u16, u32, u8 } from './packed-fields.ts';
import { CLOCK_HZ, frameInterval } from './uvc-descriptors.ts';

/** The offsets of what the host may choose. */
const FORMAT_INDEX_AT = 2;
const FRAME_INDEX_AT = 3;
const FRAME_INTERVAL_AT = 4;
/** bmHint: the frame interval is the host's wish. */
const KEEP_FRAME_INTERVAL = 1;
/** bmFramingInfo: payload headers tell frames apart, and where each ends. */
const FRAMING = 0b11;

/** A format, a size and a rate that the camera has. */
export interface StreamSettings {
  /** From 1 on, as the descriptors number them. */
  readonly formatIndex: number;
  readonly frameIndex: number;
  /** In units of 100 ns. */
  readonly interval: number;
}

export const FIRST_SETTINGS = { formatIndex: 1, frameIndex: 1, interval: 0 } as const;

/** What the camera makes of the host's wish: the nearest that it has. */
export function readSettings(camera: CameraDescription, wish: Uint8Array): StreamSettings {
  const view = new DataView(wish.buffer, wish.byteOffset, wish.byteLength);
  return nearestSettings(camera, {
    formatIndex: view.getUint8(FORMAT_INDEX_AT),
    frameIndex: view.getUint8(FRAME_INDEX_AT),
    interval: view.getUint32(FRAME_INTERVAL_AT, true),
  });
}

export function nearestSettings(camera: CameraDescription, wish: StreamSettings): StreamSettings {
  const formatIndex = clampIndex(wish.formatIndex, camera.formats.length);
  const { sizes } = elementAt(camera.formats, formatIndex);
  const frameIndex = clampIndex(wish.frameIndex, sizes.length);
  const intervals = elementAt(sizes, frameIndex).rates.map(frameInterval);
  // The first, where the host has no wish.
  const wished = wish.interval === 0 ? (intervals[0] ?? 0) : wish.interval;
  const [interval = wished] = intervals.toSorted((a, b) => Math.abs(a - wished) - Math.abs(b - wished));
  return { formatIndex, frameIndex, interval };
}

export function chosenFormat(camera: CameraDescription, settings: StreamSettings): CameraFormat {
  return elementAt(camera.formats, settings.formatIndex);
}

export function chosenSize(camera: CameraDescription, settings: StreamSettings): CameraFrameSize {
  return elementAt(chosenFormat(camera, settings).sizes, settings.frameIndex);
}

/** The control's bytes. */
export function settingsControl(camera: CameraDescription, settings: StreamSettings): Uint8Array {
  return pack({
    bmHint: u16(KEEP_FRAME_INTERVAL),
    bFormatIndex: u8(settings.formatIndex),
    bFrameIndex: u8(settings.frameIndex),
    dwFrameInterval: u32(settings.interval),
    wKeyFrameRate: u16(0),
    wPFrameRate: u16(0),
    wCompQuality: u16(0),
    wCompWindowSize: u16(0),
    wDelay: u16(0),
    dwMaxVideoFrameSize: u32(frameBytesMax(chosenSize(camera, settings))),
    dwMaxPayloadTransferSize: u32(camera.payloadBytesMax),
    dwClockFrequency: u32(CLOCK_HZ),
    bmFramingInfo: u8(FRAMING),
    bPreferedVersion: u8(0),
    bMinVersion: u8(0),
    bMaxVersion: u8(0),
  });
}

function clampIndex(index: number, count: number): number {
  return Math.min(Math.max(index, 1), count);
}

/** Indices of descriptors begin at 1. */
function elementAt<T>(elements: readonly T[], index: number): T {
  const element = elements[index - 1];
  if (element === undefined) throw new RangeError(`There are ${elements.length} elements, and no ${index}`);
  return element;
}
