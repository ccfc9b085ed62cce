/** Ports of the kernel's virtual USB host, into which devices in software are plugged. */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

import { CheckedCalls } from '../../../src/linux/calls/checked-calls.ts';
import { AF_UNIX, SOCK_CLOEXEC } from '../../../src/uapi/socket.ts';

export const HOST_FOLDER = '/sys/devices/platform/vhci_hcd.0';
const SOCK_STREAM = 1;
/** What the host knows the device by at the other end: bus and device number there. */
const DEVICE_ID = 1;
const USB_SPEED_HIGH = 3;

/** What the file `status` says of a port that is free (drivers/usb/usbip/usbip_common.h). */
const VDEV_ST_NULL = '004';
const HIGH_SPEED_HUB = 'hs';

/**
 * Plugs a device into a free port.
 *
 * @returns the device's end of the socket, which the caller closes, and the port's number
 */
export function plugIn(): { fd: number; port: number } {
  const port = freePort();
  const [device, host] = new SocketPairs().create();
  try {
    const file = openSync(`${HOST_FOLDER}/attach`, 'w');
    try {
      // From here on the kernel holds the host's end.
      writeSync(file, `${port} ${host.borrow()} ${DEVICE_ID} ${USB_SPEED_HIGH}`);
    } finally {
      closeSync(file);
    }
    return { fd: device.take(), port };
  } finally {
    host.close();
    device.close();
  }
}

/** Whether nothing is plugged into a port. */
export function isFree(port: number): boolean {
  return freePorts().includes(port);
}

function freePort(): number {
  const [port] = freePorts();
  if (port === undefined) throw new Error(`Cannot plug a camera in as each port of ${HOST_FOLDER} is taken`);
  return port;
}

/** Lines such as `hs  0000 004 000 00000000 000000 0-0`: the hub, the port, and its state. */
function freePorts(): number[] {
  const lines = readFileSync(`${HOST_FOLDER}/status`, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [hub, port, state] = line.split(/\s+/u);
    return hub === HIGH_SPEED_HUB && state === VDEV_ST_NULL ? [Number(port)] : [];
  });
}

/** USB/IP takes a stream: packets are refused. */
class SocketPairs extends CheckedCalls {
  create(): [ReturnType<CheckedCalls['duplicate']>, ReturnType<CheckedCalls['duplicate']>] {
    const numbers = new Uint8Array(2 * Int32Array.BYTES_PER_ELEMENT);
    this.checked('socketpair', this.raw.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers));
    const [device, host] = new Int32Array(numbers.buffer) as unknown as [number, number];
    return [this.own(device), this.own(host)];
  }
}
