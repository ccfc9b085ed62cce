/**
 * Descriptors of the USB Video Class 1.1 (linux/usb/video.h): a camera, its processing unit, one
 * stream.
 */

import { bytes, concatenate, u16, u32, u8 } from './packed-fields.ts';
import {
  bulkEndpoint,
  configurationDescriptor,
  descriptor,
  interfaceAssociation,
  interfaceDescriptor,
} from './usb-descriptors.ts';
import { frameBytesMax } from './camera-description.ts';
import type { CameraDescription, CameraFormat, CameraFrameSize } from './camera-description.ts';

export const UVC_VERSION = 0x0110;
/** Of the device's clock, which its timestamps count, in Hz. */
export const CLOCK_HZ = 48_000_000;

const USB_CLASS_VIDEO = 0x0e;
const UVC_SC_VIDEOCONTROL = 0x01;
const UVC_SC_VIDEOSTREAMING = 0x02;
const UVC_SC_VIDEO_INTERFACE_COLLECTION = 0x03;

const CS_INTERFACE = 0x24;
const UVC_VC_HEADER = 0x01;
const UVC_VC_INPUT_TERMINAL = 0x02;
const UVC_VC_OUTPUT_TERMINAL = 0x03;
const UVC_VC_PROCESSING_UNIT = 0x05;
const UVC_VS_INPUT_HEADER = 0x01;
const UVC_VS_FORMAT_UNCOMPRESSED = 0x04;
const UVC_VS_FRAME_UNCOMPRESSED = 0x05;
const UVC_VS_FORMAT_MJPEG = 0x06;
const UVC_VS_FRAME_MJPEG = 0x07;
const UVC_VS_COLORFORMAT = 0x0d;

const UVC_ITT_CAMERA = 0x0201;
const UVC_TT_STREAMING = 0x0101;

/** Bits of a processing unit's bmControls. */
const HAS_BRIGHTNESS = 1 << 0;
const HAS_CONTRAST = 1 << 1;

export const CONTROL_INTERFACE = 0;
export const STREAMING_INTERFACE = 1;
export const VIDEO_ENDPOINT = 1;
const ENDPOINT_IN = 0x80;
const BULK_PACKET_BYTES = 512;

const CAMERA_TERMINAL = 1;
export const PROCESSING_UNIT = 2;
const OUTPUT_TERMINAL = 3;

/** The GUID of YUY2: its four characters, and what all such GUIDs end with. */
const YUY2_GUID = [...Buffer.from('YUY2'), 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];
const YUY2_BITS = 16;

/** The class's defaults, for sRGB: BT.709's primaries and transfer function, BT.601's matrix. */
const COLOURS = { primaries: 1, transfer: 1, matrix: 4 };
/** Of bmCapabilities and bmFlags: nothing special. */
const NONE = u8(0);
/** In which frame intervals are counted: 100 ns. */
const INTERVALS_A_SECOND = 10_000_000;
const BITS_A_BYTE = 8;

/** In units of 100 ns. */
export function frameInterval(rate: number): number {
  return Math.round(INTERVALS_A_SECOND / rate);
}

export function frameRate(interval: number): number {
  return INTERVALS_A_SECOND / interval;
}

/**
 * Everything behind the device descriptor. Its parts have no names, so that the driver names the
 * camera by its product alone.
 */
export function cameraConfiguration(camera: CameraDescription): Uint8Array {
  const video = { class: USB_CLASS_VIDEO, protocol: 0 };
  return configurationDescriptor(2, [
    interfaceAssociation({
      ...video,
      subclass: UVC_SC_VIDEO_INTERFACE_COLLECTION,
      firstInterface: CONTROL_INTERFACE,
      interfaceCount: 2,
    }),
    interfaceDescriptor({ ...video, subclass: UVC_SC_VIDEOCONTROL, number: CONTROL_INTERFACE, endpointCount: 0 }),
    controlEntities(),
    interfaceDescriptor({
      ...video,
      subclass: UVC_SC_VIDEOSTREAMING,
      number: STREAMING_INTERFACE,
      endpointCount: 1,
    }),
    streamFormats(camera),
    bulkEndpoint(ENDPOINT_IN | VIDEO_ENDPOINT, BULK_PACKET_BYTES),
  ]);
}

/** The camera, its processing unit, and the way out of it. */
function controlEntities(): Uint8Array {
  const camera = descriptor(CS_INTERFACE, {
    bDescriptorSubtype: u8(UVC_VC_INPUT_TERMINAL),
    bTerminalID: u8(CAMERA_TERMINAL),
    wTerminalType: u16(UVC_ITT_CAMERA),
    bAssocTerminal: u8(0),
    iTerminal: u8(0),
    wObjectiveFocalLengthMin: u16(0),
    wObjectiveFocalLengthMax: u16(0),
    wOcularFocalLength: u16(0),
    bControlSize: u8(3),
    bmControls: bytes([0, 0, 0]),
  });
  const processing = descriptor(CS_INTERFACE, {
    bDescriptorSubtype: u8(UVC_VC_PROCESSING_UNIT),
    bUnitID: u8(PROCESSING_UNIT),
    bSourceID: u8(CAMERA_TERMINAL),
    wMaxMultiplier: u16(0),
    bControlSize: u8(2),
    bmControls: u16(HAS_BRIGHTNESS | HAS_CONTRAST),
    iProcessing: u8(0),
    bmVideoStandards: u8(0),
  });
  const output = descriptor(CS_INTERFACE, {
    bDescriptorSubtype: u8(UVC_VC_OUTPUT_TERMINAL),
    bTerminalID: u8(OUTPUT_TERMINAL),
    wTerminalType: u16(UVC_TT_STREAMING),
    bAssocTerminal: u8(0),
    bSourceID: u8(PROCESSING_UNIT),
    iTerminal: u8(0),
  });
  const entities = concatenate([camera, processing, output]);
  const headerBytes = 13;
  const header = descriptor(CS_INTERFACE, {
    bDescriptorSubtype: u8(UVC_VC_HEADER),
    bcdUVC: u16(UVC_VERSION),
    wTotalLength: u16(headerBytes + entities.length),
    dwClockFrequency: u32(CLOCK_HZ),
    bInCollection: u8(1),
    baInterfaceNr: u8(STREAMING_INTERFACE),
  });
  return concatenate([header, entities]);
}

function streamFormats({ formats }: CameraDescription): Uint8Array {
  const described = concatenate(formats.map(formatDescriptors));
  const headerBytes = 13 + formats.length;
  const header = descriptor(CS_INTERFACE, {
    bDescriptorSubtype: u8(UVC_VS_INPUT_HEADER),
    bNumFormats: u8(formats.length),
    wTotalLength: u16(headerBytes + described.length),
    bEndpointAddress: u8(ENDPOINT_IN | VIDEO_ENDPOINT),
    bmInfo: NONE,
    bTerminalLink: u8(OUTPUT_TERMINAL),
    bStillCaptureMethod: u8(0),
    bTriggerSupport: u8(0),
    bTriggerUsage: u8(0),
    bControlSize: u8(1),
    bmaControls: bytes(formats.map(() => 0)),
  });
  return concatenate([header, described]);
}

function formatDescriptors({ encoding, sizes }: CameraFormat, index: number): Uint8Array {
  const isJpeg = encoding === 'MJPG';
  const format = descriptor(CS_INTERFACE, {
    bDescriptorSubtype: u8(isJpeg ? UVC_VS_FORMAT_MJPEG : UVC_VS_FORMAT_UNCOMPRESSED),
    bFormatIndex: u8(index + 1),
    bNumFrameDescriptors: u8(sizes.length),
    ...(isJpeg ? { bmFlags: NONE } : { guidFormat: bytes(YUY2_GUID), bBitsPerPixel: u8(YUY2_BITS) }),
    bDefaultFrameIndex: u8(1),
    bAspectRatioX: u8(0),
    bAspectRatioY: u8(0),
    bmInterlaceFlags: NONE,
    bCopyProtect: NONE,
  });
  const colours = descriptor(CS_INTERFACE, {
    bDescriptorSubtype: u8(UVC_VS_COLORFORMAT),
    bColorPrimaries: u8(COLOURS.primaries),
    bTransferCharacteristics: u8(COLOURS.transfer),
    bMatrixCoefficients: u8(COLOURS.matrix),
  });
  const subtype = isJpeg ? UVC_VS_FRAME_MJPEG : UVC_VS_FRAME_UNCOMPRESSED;
  const frames = sizes.map((size, frameIndex) => frameDescriptor(subtype, frameIndex + 1, size));
  return concatenate([format, ...frames, colours]);
}

function frameDescriptor(subtype: number, frameIndex: number, size: CameraFrameSize): Uint8Array {
  const { width, height, rates } = size;
  const frameBits = frameBytesMax(size) * BITS_A_BYTE;
  const [preferredRate = 1] = rates;
  return descriptor(CS_INTERFACE, {
    bDescriptorSubtype: u8(subtype),
    bFrameIndex: u8(frameIndex),
    bmCapabilities: NONE,
    wWidth: u16(width),
    wHeight: u16(height),
    dwMinBitRate: u32(frameBits * Math.min(...rates)),
    dwMaxBitRate: u32(frameBits * Math.max(...rates)),
    dwMaxVideoFrameBufferSize: u32(frameBytesMax(size)),
    dwDefaultFrameInterval: u32(frameInterval(preferredRate)),
    bFrameIntervalType: u8(rates.length),
    // The shortest first: the driver looks at them until one is farther off than the last.
    dwFrameInterval: rates.toSorted((a, b) => b - a).flatMap((rate) => u32(frameInterval(rate))),
  });
}
