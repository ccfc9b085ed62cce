import { join } from 'node:path';

import { errnoName, isDmaBufError } from '../base/errors.ts';
import type { DmaBufErrorCode, ErrnoName } from '../base/errors.ts';
import { explainRefusedDevice } from '../diagnosis/device-access.ts';
import type { BorrowedFd, OwnedFd } from '../linux/calls/fd.ts';
import { V4l2Calls } from '../linux/calls/v4l2-calls.ts';
import type { Machine } from '../linux/machine.ts';
import { V4L2_CAP_IO_MC } from '../uapi/videodev2-device.ts';
import { queuesOf } from './device-kind.ts';
import type { DeviceKind } from './device-kind.ts';
import type { DeviceNode } from './device-nodes.ts';

/** A video device, and whether it can be opened. */
export type VideoDeviceInfo = KnownDeviceInfo | RefusedDeviceInfo;

/** What a video device says of itself. */
export interface KnownDeviceInfo extends DeviceNode {
  /** What the device is for. */
  readonly kind: DeviceKind;
  /** Where it is, as its driver says: `usb-0000:00:14.0-1`, `platform:vivid-000`. */
  readonly bus: string;
  /** Its driver's name: `uvcvideo`. */
  readonly driver: string;
  /** Whether its buffers may have several memories, one for each plane. */
  readonly multiPlanar: boolean;
  /**
   * Whether it is a part of a pipeline that the media controller sets up: by `media-ctl`, or by
   * libcamera.
   */
  readonly mediaController: boolean;
  /** It was opened. */
  readonly refusal: undefined;
}

/** A device that cannot be opened, and what would help. */
export interface RefusedDeviceInfo extends DeviceNode {
  /** It could not be asked. */
  readonly kind: 'unknown';
  /** Why it cannot be opened. */
  readonly refusal: {
    /** The kernel's name of the refusal. */
    readonly code: DmaBufErrorCode;
    /** A clause, and the commands that help. */
    readonly reason: string;
  };
}

/** An open device, and what it is. */
export interface OpenDevice {
  readonly fd: OwnedFd;
  readonly info: KnownDeviceInfo;
}

/**
 * Opens a device, and asks it what it is.
 *
 * @throws {DmaBufError} as the kernel refuses to open it; `ENOTTY` for what is no V4L2 device
 */
export function openDevice(machine: Machine, node: DeviceNode): OpenDevice {
  const calls = new V4l2Calls(machine.raw);
  const fd = calls.openDevice(join(machine.root, node.path));
  try {
    const capabilities = calls.queryCapabilities(fd.borrow());
    const { driver, card, busInfo } = capabilities;
    const info: KnownDeviceInfo = Object.freeze({
      ...node,
      name: card === '' ? node.name : card,
      ...queuesOf(capabilities),
      bus: busInfo,
      driver,
      mediaController: (capabilities.capabilities & V4L2_CAP_IO_MC) !== 0,
      refusal: undefined,
    });
    return { fd, info };
  } catch (error) {
    fd.close();
    throw error;
  }
}

/** The indexes of a device's inputs; of one without a choice, that of the only one. */
export function listInputIndexes({ raw }: Machine, fd: BorrowedFd): number[] {
  const inputs = new V4l2Calls(raw).listInputs(fd).map(({ index }) => index);
  return inputs.length === 0 ? [0] : inputs;
}

/** What a node is; a refusal is a part of the answer. */
export function inspectDevice(machine: Machine, node: DeviceNode): VideoDeviceInfo {
  try {
    const { fd, info } = openDevice(machine, node);
    fd.close();
    return info;
  } catch (error) {
    if (!isDmaBufError(error) || isShortage(error.code)) throw error;
    const { reason, remedy } = explainRefusedDevice(node.path, kernelName(error.errno), machine);
    return Object.freeze({ ...node, kind: 'unknown', refusal: { code: error.code, reason: `${reason}: ${remedy}` } });
  }
}

export function kernelName(errno: number): ErrnoName {
  return errnoName(-errno);
}

/** It is this process that has no more, and not the device that refuses. */
function isShortage(code: DmaBufErrorCode): boolean {
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM';
}
