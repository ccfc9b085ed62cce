/** Descriptors of any USB device: chapter 9 of USB 2.0, as linux/usb/ch9.h names it. */

import { bytes, concatenate, pack, u16, u8 } from './packed-fields.ts';

export const USB_DT_DEVICE = 0x01;
export const USB_DT_CONFIG = 0x02;
export const USB_DT_STRING = 0x03;
const USB_DT_INTERFACE = 0x04;
const USB_DT_ENDPOINT = 0x05;
const USB_DT_INTERFACE_ASSOCIATION = 0x0b;

const USB_CLASS_MISC = 0xef;
/** Of a device whose functions are groups of interfaces. */
const ASSOCIATED_INTERFACES = { subclass: 0x02, protocol: 0x01 };
const USB_VERSION = 0x0200;
const DEVICE_VERSION = 0x0100;
const USB_CONFIG_ATT_ONE = 0x80;
/** In units of 2 mA. */
const MAX_POWER = 50;
const USB_ENDPOINT_XFER_BULK = 0x02;
const ENGLISH = 0x0409;
const ENDPOINT_0_PACKET_BYTES = 64;

/** What an interface, or a group of them, is for. */
export interface UsbFunction {
  readonly class: number;
  readonly subclass: number;
  readonly protocol: number;
}

/** `body` behind its length and its type. */
export function descriptor(type: number, body: Parameters<typeof pack>[0]): Uint8Array {
  const packed = pack(body);
  const head = { bLength: u8(packed.length + 2), bDescriptorType: u8(type) };
  return concatenate([pack(head), packed]);
}

/** Strings are named by their index. */
export interface DeviceIdentity {
  readonly vendor: number;
  readonly product: number;
  readonly manufacturerString: number;
  readonly productString: number;
  readonly serialString: number;
}

export function deviceDescriptor(identity: DeviceIdentity): Uint8Array {
  return descriptor(USB_DT_DEVICE, {
    bcdUSB: u16(USB_VERSION),
    bDeviceClass: u8(USB_CLASS_MISC),
    bDeviceSubClass: u8(ASSOCIATED_INTERFACES.subclass),
    bDeviceProtocol: u8(ASSOCIATED_INTERFACES.protocol),
    bMaxPacketSize0: u8(ENDPOINT_0_PACKET_BYTES),
    idVendor: u16(identity.vendor),
    idProduct: u16(identity.product),
    bcdDevice: u16(DEVICE_VERSION),
    iManufacturer: u8(identity.manufacturerString),
    iProduct: u8(identity.productString),
    iSerialNumber: u8(identity.serialString),
    bNumConfigurations: u8(1),
  });
}

/** The only configuration, with all that belongs to it. */
export function configurationDescriptor(interfaceCount: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = concatenate(parts);
  const headBytes = 9;
  const head = descriptor(USB_DT_CONFIG, {
    wTotalLength: u16(headBytes + body.length),
    bNumInterfaces: u8(interfaceCount),
    bConfigurationValue: u8(1),
    iConfiguration: u8(0),
    bmAttributes: u8(USB_CONFIG_ATT_ONE),
    bMaxPower: u8(MAX_POWER),
  });
  return concatenate([head, body]);
}

export interface InterfaceGroup extends UsbFunction {
  readonly firstInterface: number;
  readonly interfaceCount: number;
}

export function interfaceAssociation(group: InterfaceGroup): Uint8Array {
  return descriptor(USB_DT_INTERFACE_ASSOCIATION, {
    bFirstInterface: u8(group.firstInterface),
    bInterfaceCount: u8(group.interfaceCount),
    bFunctionClass: u8(group.class),
    bFunctionSubClass: u8(group.subclass),
    bFunctionProtocol: u8(group.protocol),
    iFunction: u8(0),
  });
}

export interface UsbInterface extends UsbFunction {
  readonly number: number;
  readonly endpointCount: number;
}

export function interfaceDescriptor(one: UsbInterface): Uint8Array {
  return descriptor(USB_DT_INTERFACE, {
    bInterfaceNumber: u8(one.number),
    bAlternateSetting: u8(0),
    bNumEndpoints: u8(one.endpointCount),
    bInterfaceClass: u8(one.class),
    bInterfaceSubClass: u8(one.subclass),
    bInterfaceProtocol: u8(one.protocol),
    iInterface: u8(0),
  });
}

export function bulkEndpoint(address: number, packetBytes: number): Uint8Array {
  return descriptor(USB_DT_ENDPOINT, {
    bEndpointAddress: u8(address),
    bmAttributes: u8(USB_ENDPOINT_XFER_BULK),
    wMaxPacketSize: u16(packetBytes),
    bInterval: u8(0),
  });
}

/** String 0: the languages in which there are strings. */
export function stringLanguages(): Uint8Array {
  return descriptor(USB_DT_STRING, { wLANGID: u16(ENGLISH) });
}

export function stringDescriptor(text: string): Uint8Array {
  return descriptor(USB_DT_STRING, { bString: bytes(Buffer.from(text, 'utf16le')) });
}
