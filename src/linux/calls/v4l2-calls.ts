import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from '../../uapi/fcntl.ts';
import {
  V4L2_CAP_DEVICE_CAPS,
  VIDIOC_ENUMINPUT,
  VIDIOC_ENUMOUTPUT,
  VIDIOC_G_INPUT,
  VIDIOC_G_OUTPUT,
  VIDIOC_QUERYCAP,
  VIDIOC_S_INPUT,
  VIDIOC_S_OUTPUT,
  v4l2Capability,
  v4l2Input,
  v4l2Output,
} from '../../uapi/videodev2-device.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import type { CallValues } from './refused-call.ts';

/** What VIDIOC_QUERYCAP tells. */
export interface V4l2Capabilities {
  readonly driver: string;
  readonly card: string;
  readonly busInfo: string;
  /** `V4L2_CAP_*`, of this node. */
  readonly capabilities: number;
}

/** An input or an output of a device. */
export interface V4l2Connector {
  readonly index: number;
  readonly name: string;
  /** `V4L2_IN_ST_*`; 0 of an output. */
  readonly status: number;
  /** `V4L2_IN_CAP_*`. */
  readonly capabilities: number;
}

/** How an enumeration ends, and what a driver without the ioctl says. */
const NO_MORE: readonly ErrnoName[] = ['EINVAL', 'ENOTTY', 'ENODATA'];

/** Of an enumeration: a driver whose answers never end is not to keep us for ever. */
const ENUMERATED_MAX = 4096;

/** What ioctls of V4L2 share (drivers/media/v4l2-core/v4l2-ioctl.c). */
export class V4l2Ioctls extends CheckedCalls {
  /** As the kernel answers; again where a signal interrupted it. */
  protected ioctl(fd: BorrowedFd, request: number, argument: Uint8Array): number {
    for (;;) {
      const result = this.raw.ioctl(fd, request, argument);
      if (this.refusalOf(result) !== 'EINTR') return result;
    }
  }

  /** @param name of the ioctl, for messages */
  protected mustIoctl(
    fd: BorrowedFd,
    [name, request]: readonly [name: string, request: number],
    argument: Uint8Array,
    values: CallValues = {},
  ): void {
    this.checked(name, this.ioctl(fd, request, argument), values);
  }

  /** False where the driver refuses for one of `reasons`, or has no such ioctl. */
  protected mayIoctl(
    fd: BorrowedFd,
    command: readonly [name: string, request: number],
    argument: Uint8Array,
    reasons: readonly ErrnoName[] = NO_MORE,
  ): boolean {
    const result = this.ioctl(fd, command[1], argument);
    const refusal = this.refusalOf(result);
    if (refusal !== undefined && reasons.includes(refusal)) return false;
    this.checked(command[0], result);
    return true;
  }

  /** Asks for index 0, 1, … until there is no more. */
  protected enumerate<Item>(
    fd: BorrowedFd,
    command: readonly [name: string, request: number],
    each: { readonly argument: (index: number) => Uint8Array; readonly read: (bytes: Uint8Array) => Item },
  ): Item[] {
    const items: Item[] = [];
    for (let index = 0; index < ENUMERATED_MAX; index += 1) {
      const argument = each.argument(index);
      if (!this.mayIoctl(fd, command, argument)) break;
      items.push(each.read(argument));
    }
    return items;
  }

  /** The number that an ioctl without a struct gives; undefined where there is none. */
  protected numberOf(fd: BorrowedFd, command: readonly [name: string, request: number]): number | undefined {
    const argument = new Uint8Array(Int32Array.BYTES_PER_ELEMENT);
    return this.mayIoctl(fd, command, argument) ? new DataView(argument.buffer).getInt32(0, true) : undefined;
  }

  protected bytesOfNumber(value: number): Uint8Array {
    return new Uint8Array(Int32Array.of(value).buffer);
  }
}

/** The calls on a V4L2 device as a whole (include/uapi/linux/videodev2.h). */
export class V4l2Calls extends V4l2Ioctls {
  /** For reading and writing, and never to block. */
  openDevice(path: string): OwnedFd {
    return this.own(this.checked('open', this.raw.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC), { path }));
  }

  /** VIDIOC_QUERYCAP: `ENOTTY` from what is no V4L2 device. */
  queryCapabilities(fd: BorrowedFd): V4l2Capabilities {
    const argument = v4l2Capability.write({});
    this.mustIoctl(fd, ['VIDIOC_QUERYCAP', VIDIOC_QUERYCAP], argument);
    const { driver, card, busInfo, capabilities, deviceCaps } = v4l2Capability.read(argument);
    const ofNode = (capabilities & V4L2_CAP_DEVICE_CAPS) === 0 ? capabilities : deviceCaps;
    return { driver, card, busInfo, capabilities: ofNode };
  }

  listInputs(fd: BorrowedFd): V4l2Connector[] {
    return this.enumerate(fd, ['VIDIOC_ENUMINPUT', VIDIOC_ENUMINPUT], {
      argument: (index) => v4l2Input.write({ index }),
      read: (bytes) => {
        const { index, name, status, capabilities } = v4l2Input.read(bytes);
        return { index, name, status, capabilities };
      },
    });
  }

  /** Undefined where a device has no inputs to choose from. */
  currentInput(fd: BorrowedFd): number | undefined {
    return this.numberOf(fd, ['VIDIOC_G_INPUT', VIDIOC_G_INPUT]);
  }

  setInput(fd: BorrowedFd, index: number): void {
    this.mustIoctl(fd, ['VIDIOC_S_INPUT', VIDIOC_S_INPUT], this.bytesOfNumber(index), { index });
  }

  listOutputs(fd: BorrowedFd): V4l2Connector[] {
    return this.enumerate(fd, ['VIDIOC_ENUMOUTPUT', VIDIOC_ENUMOUTPUT], {
      argument: (index) => v4l2Output.write({ index }),
      read: (bytes) => {
        const { index, name, capabilities } = v4l2Output.read(bytes);
        return { index, name, status: 0, capabilities };
      },
    });
  }

  currentOutput(fd: BorrowedFd): number | undefined {
    return this.numberOf(fd, ['VIDIOC_G_OUTPUT', VIDIOC_G_OUTPUT]);
  }

  setOutput(fd: BorrowedFd, index: number): void {
    this.mustIoctl(fd, ['VIDIOC_S_OUTPUT', VIDIOC_S_OUTPUT], this.bytesOfNumber(index), { index });
  }
}
