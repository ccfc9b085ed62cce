/** Endpoint 0 of the camera: who it is, and what the host sets. */

import type { CameraDescription } from './camera-description.ts';
import { pack, u16, u8 } from './packed-fields.ts';
import { FIRST_SETTINGS, nearestSettings, readSettings, settingsControl } from './stream-settings.ts';
import type { StreamSettings } from './stream-settings.ts';
import {
  READ_AND_SET,
  UVC_GET_CUR,
  UVC_GET_DEF,
  UVC_GET_INFO,
  UVC_GET_LEN,
  UVC_GET_MAX,
  UVC_GET_MIN,
  UVC_SET_CUR,
  UnitControls,
} from './unit-controls.ts';
import type { ControlValues } from './unit-controls.ts';
import {
  USB_DT_CONFIG,
  USB_DT_DEVICE,
  USB_DT_STRING,
  deviceDescriptor,
  stringDescriptor,
  stringLanguages,
} from './usb-descriptors.ts';
import type { Completion, Submission } from './usbip-messages.ts';
import { CONTROL_INTERFACE, PROCESSING_UNIT, STREAMING_INTERFACE, cameraConfiguration } from './uvc-descriptors.ts';

/** bmRequestType: which way, of whom, to whom. */
const DEVICE_OUT = 0x00;
const INTERFACE_OUT = 0x01;
const ENDPOINT_OUT = 0x02;
const DEVICE_IN = 0x80;
const INTERFACE_IN = 0x81;
const ENDPOINT_IN = 0x82;
const CLASS_OUT = 0x21;
const CLASS_IN = 0xa1;

const USB_REQ_GET_STATUS = 0x00;
const USB_REQ_CLEAR_FEATURE = 0x01;
const USB_REQ_GET_DESCRIPTOR = 0x06;
const USB_REQ_SET_CONFIGURATION = 0x09;
const USB_REQ_SET_INTERFACE = 0x0b;

/** Selectors of a streaming interface's controls. */
const UVC_VS_PROBE_CONTROL = 0x01;
const UVC_VS_COMMIT_CONTROL = 0x02;

/** Linux Foundation, and the number that it gives webcams in software. */
const VENDOR = 0x1d6b;
const PRODUCT = 0x0102;
const MANUFACTURER_STRING = 1;
const PRODUCT_STRING = 2;
const SERIAL_STRING = 3;

const DONE: Completion = { status: 0 };
/** The answer to a request that the camera does not know: EPIPE, the endpoint stalls. */
const STALL: Completion = { status: -32 };

/** The fields of a control transfer's setup packet. */
interface Setup {
  readonly type: number;
  readonly request: number;
  readonly value: number;
  readonly index: number;
  readonly length: number;
}

export class ControlEndpoint {
  readonly #camera: CameraDescription;
  readonly #descriptors: ReadonlyMap<number, readonly Uint8Array[]>;
  readonly #controls: UnitControls;
  /** Called when the host clears a halt: it does so whenever it ends a stream. */
  readonly #endStream: () => void;
  #probed: StreamSettings;
  #settings: StreamSettings;

  constructor(camera: CameraDescription, endStream: () => void) {
    this.#camera = camera;
    this.#endStream = endStream;
    this.#controls = new UnitControls(camera);
    this.#descriptors = describe(camera);
    this.#settings = nearestSettings(camera, FIRST_SETTINGS);
    this.#probed = this.#settings;
  }

  /** What host and camera agreed on last. */
  get settings(): StreamSettings {
    return this.#settings;
  }

  get controlValues(): ControlValues {
    return this.#controls.values;
  }

  answer({ setup, data }: Submission): Completion {
    const fields = readSetup(setup);
    const answer = this.#answer(fields, data);
    return answer.data === undefined ? answer : { ...answer, data: answer.data.subarray(0, fields.length) };
  }

  #answer(setup: Setup, data: Uint8Array): Completion {
    switch (setup.type) {
      case DEVICE_IN:
        return this.#deviceAnswer(setup);
      case INTERFACE_IN:
      case ENDPOINT_IN:
        return setup.request === USB_REQ_GET_STATUS ? { status: 0, data: pack({ status: u16(0) }) } : STALL;
      case DEVICE_OUT:
        return setup.request === USB_REQ_SET_CONFIGURATION ? DONE : STALL;
      case INTERFACE_OUT:
        return setup.request === USB_REQ_SET_INTERFACE ? DONE : STALL;
      case ENDPOINT_OUT:
        if (setup.request !== USB_REQ_CLEAR_FEATURE) return STALL;
        this.#endStream();
        return DONE;
      case CLASS_IN:
        return orStall(this.#classValue(setup));
      case CLASS_OUT:
        return setup.request === UVC_SET_CUR && this.#setClassValue(setup, data) ? DONE : STALL;
      default:
        return STALL;
    }
  }

  #deviceAnswer({ request, value }: Setup): Completion {
    if (request === USB_REQ_GET_STATUS) return { status: 0, data: pack({ status: u16(0) }) };
    if (request !== USB_REQ_GET_DESCRIPTOR) return STALL;
    return orStall(this.#descriptors.get(value >>> 8)?.[value & 0xff]);
  }

  #classValue(setup: Setup): Uint8Array | undefined {
    const { request, selector, unit, interfaceNumber } = classRequest(setup);
    if (interfaceNumber === CONTROL_INTERFACE && unit === PROCESSING_UNIT) return this.#controls.get(request, selector);
    if (interfaceNumber !== STREAMING_INTERFACE) return undefined;
    if (selector !== UVC_VS_PROBE_CONTROL && selector !== UVC_VS_COMMIT_CONTROL) return undefined;
    return this.#streamValue(request);
  }

  #streamValue(request: number): Uint8Array | undefined {
    const current = settingsControl(this.#camera, this.#probed);
    switch (request) {
      case UVC_GET_CUR:
      case UVC_GET_MIN:
      case UVC_GET_MAX:
        return current;
      case UVC_GET_DEF:
        return settingsControl(this.#camera, nearestSettings(this.#camera, FIRST_SETTINGS));
      case UVC_GET_LEN:
        return pack({ length: u16(current.length) });
      case UVC_GET_INFO:
        return pack({ info: u8(READ_AND_SET) });
      default:
        return undefined;
    }
  }

  #setClassValue(setup: Setup, data: Uint8Array): boolean {
    const { selector, unit, interfaceNumber } = classRequest(setup);
    if (interfaceNumber === CONTROL_INTERFACE && unit === PROCESSING_UNIT) return this.#controls.set(selector, data);
    if (interfaceNumber !== STREAMING_INTERFACE) return false;
    this.#probed = readSettings(this.#camera, data);
    if (selector === UVC_VS_COMMIT_CONTROL) this.#settings = this.#probed;
    return true;
  }
}

function orStall(data: Uint8Array | undefined): Completion {
  return data === undefined ? STALL : { status: 0, data };
}

function readSetup(bytes: Uint8Array): Setup {
  const setup = Buffer.from(bytes);
  return {
    type: setup.readUInt8(0),
    request: setup.readUInt8(1),
    value: setup.readUInt16LE(2),
    index: setup.readUInt16LE(4),
    length: setup.readUInt16LE(6),
  };
}

/** A request of the class has its selector, its unit and its interface in the setup's fields. */
function classRequest({ request, value, index }: Setup): {
  request: number;
  selector: number;
  unit: number;
  interfaceNumber: number;
} {
  return { request, selector: value >>> 8, unit: index >>> 8, interfaceNumber: index & 0xff };
}

/** The descriptors by their type and their index. */
function describe(camera: CameraDescription): Map<number, readonly Uint8Array[]> {
  const device = deviceDescriptor({
    vendor: VENDOR,
    product: PRODUCT,
    manufacturerString: MANUFACTURER_STRING,
    productString: PRODUCT_STRING,
    serialString: SERIAL_STRING,
  });
  const texts = [camera.manufacturer, camera.product, camera.serial].map(stringDescriptor);
  return new Map([
    [USB_DT_DEVICE, [device]],
    [USB_DT_CONFIG, [cameraConfiguration(camera)]],
    [USB_DT_STRING, [stringLanguages(), ...texts]],
  ]);
}
