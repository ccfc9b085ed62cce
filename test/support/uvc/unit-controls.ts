/** Controls of the camera's processing unit, as the host asks for them (UVC 1.1, 4.2.2.3). */

import type { CameraControl, CameraControlName, CameraDescription } from './camera-description.ts';
import { pack, u16, u8 } from './packed-fields.ts';

export const UVC_SET_CUR = 0x01;
export const UVC_GET_CUR = 0x81;
export const UVC_GET_MIN = 0x82;
export const UVC_GET_MAX = 0x83;
const UVC_GET_RES = 0x84;
export const UVC_GET_LEN = 0x85;
export const UVC_GET_INFO = 0x86;
export const UVC_GET_DEF = 0x87;

/** What GET_INFO says: the control can be read and set. */
export const READ_AND_SET = 0b11;

/** By their selectors. */
const NAMES: ReadonlyMap<number, CameraControlName> = new Map([
  [0x02, 'brightness'],
  [0x03, 'contrast'],
]);
/** Brightness is signed, contrast is not; both have 16 bits. */
const VALUE_BYTES = 2;

export type ControlValues = Readonly<Record<CameraControlName, number>>;

export class UnitControls {
  readonly #controls: CameraDescription['controls'];
  readonly #values: Record<CameraControlName, number>;

  constructor({ controls }: CameraDescription) {
    this.#controls = controls;
    this.#values = { brightness: controls.brightness.initial, contrast: controls.contrast.initial };
  }

  get values(): ControlValues {
    return { ...this.#values };
  }

  /** False for what the unit does not have. */
  set(selector: number, data: Uint8Array): boolean {
    const name = NAMES.get(selector);
    if (name === undefined || data.length < VALUE_BYTES) return false;
    const value = Buffer.from(data);
    this.#values[name] = name === 'brightness' ? value.readInt16LE() : value.readUInt16LE();
    return true;
  }

  /** Undefined for what the unit does not have. */
  get(request: number, selector: number): Uint8Array | undefined {
    const name = NAMES.get(selector);
    if (name === undefined) return undefined;
    if (request === UVC_GET_INFO) return pack({ info: u8(READ_AND_SET) });
    if (request === UVC_GET_LEN) return pack({ length: u16(VALUE_BYTES) });
    const value = request === UVC_GET_CUR ? this.#values[name] : limitOf(this.#controls[name], request);
    return value === undefined ? undefined : pack({ value: u16(value) });
  }
}

function limitOf(control: CameraControl, request: number): number | undefined {
  const limits: Readonly<Record<number, number>> = {
    [UVC_GET_MIN]: control.min,
    [UVC_GET_MAX]: control.max,
    [UVC_GET_RES]: control.step,
    [UVC_GET_DEF]: control.initial,
  };
  return limits[request];
}
