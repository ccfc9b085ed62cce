import { constants } from 'node:os';

import type { DmaBufError, ErrnoName } from '../../base/errors.ts';
import {
  V4L2_CTRL_FLAG_HAS_PAYLOAD,
  V4L2_CTRL_FLAG_NEXT_CTRL,
  V4L2_CTRL_TYPE_INTEGER64,
  V4L2_EVENT_CTRL,
  V4L2_EVENT_SOURCE_CHANGE,
  V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK,
  VIDIOC_DQEVENT,
  VIDIOC_G_EXT_CTRLS,
  VIDIOC_QUERYMENU,
  VIDIOC_QUERY_EXT_CTRL,
  VIDIOC_SUBSCRIBE_EVENT,
  VIDIOC_S_EXT_CTRLS,
  v4l2Event,
  v4l2EventCtrl,
  v4l2EventSrcChange,
  v4l2EventSubscription,
  v4l2ExtControl,
  v4l2ExtControls,
  v4l2QueryExtCtrl,
  v4l2Querymenu,
} from '../../uapi/videodev2-controls.ts';
import type { BorrowedFd } from './fd.ts';
import { addressOf } from './kernel-calls.ts';
import { V4l2Ioctls } from './v4l2-calls.ts';

/** A control as VIDIOC_QUERY_EXT_CTRL describes it. */
export interface V4l2ControlDescription {
  readonly id: number;
  /** `V4L2_CTRL_TYPE_*`. */
  readonly type: number;
  readonly name: string;
  readonly minimum: bigint;
  readonly maximum: bigint;
  readonly step: bigint;
  readonly defaultValue: bigint;
  /** `V4L2_CTRL_FLAG_*`. */
  readonly flags: number;
  /** Of the whole value, behind a pointer; 0 of a plain number. */
  readonly payloadBytes: number;
}

/** What VIDIOC_DQEVENT gives. */
export interface V4l2Event {
  /** `V4L2_EVENT_*`. */
  readonly type: number;
  /** Of a control; of a change of source, of its input. */
  readonly id: number;
  readonly timestampNs: bigint;
  /** Which of a control or a source has changed, as bits. */
  readonly changes: number;
  /** Of a control. */
  readonly value: bigint;
}

const { u: payloadAt } = v4l2Event.offsets;
const NS_PER_SECOND = 1_000_000_000n;

/** The calls on controls and events (drivers/media/v4l2-core/v4l2-ctrls-api.c, v4l2-event.c). */
export class V4l2ControlCalls extends V4l2Ioctls {
  /** All, also those that are disabled, and the titles of their classes. */
  listControls(fd: BorrowedFd): V4l2ControlDescription[] {
    let last = 0;
    return this.enumerate(fd, ['VIDIOC_QUERY_EXT_CTRL', VIDIOC_QUERY_EXT_CTRL], {
      argument: () => v4l2QueryExtCtrl.write({ id: last + V4L2_CTRL_FLAG_NEXT_CTRL }),
      read: (bytes) => {
        const { elemSize, elems, ...control } = v4l2QueryExtCtrl.read(bytes);
        last = control.id;
        const { id, type, name, minimum, maximum, step, defaultValue, flags } = control;
        const payloadBytes = (flags & V4L2_CTRL_FLAG_HAS_PAYLOAD) === 0 ? 0 : elemSize * elems;
        return { id, type, name, minimum, maximum, step, defaultValue, flags, payloadBytes };
      },
    });
  }

  /** The item of a menu: its 32 bytes, a text or a number; undefined where it has none there. */
  menuItem(fd: BorrowedFd, id: number, index: number): Uint8Array | undefined {
    const argument = v4l2Querymenu.write({ id, index });
    if (!this.mayIoctl(fd, ['VIDIOC_QUERYMENU', VIDIOC_QUERYMENU], argument)) return undefined;
    const { name: nameAt, reserved: end } = v4l2Querymenu.offsets;
    return argument.subarray(nameAt, end);
  }

  /** A control's value; of one with a payload, its bytes. */
  getControl(fd: BorrowedFd, control: V4l2ControlDescription): bigint | Uint8Array {
    const payload = payloadOf(control);
    const array = oneControl(control, payload === undefined ? 0n : BigInt(addressOf(payload)));
    const command = ['VIDIOC_G_EXT_CTRLS', VIDIOC_G_EXT_CTRLS] as const;
    this.mustIoctl(fd, command, controlsArgument(array), { control: control.name });
    if (payload !== undefined) return payload;
    const { value64 } = v4l2ExtControl.read(array);
    return control.type === V4L2_CTRL_TYPE_INTEGER64 ? value64 : BigInt.asIntN(32, value64);
  }

  /** @returns why it was refused; undefined where it was not */
  setControl(fd: BorrowedFd, control: V4l2ControlDescription, value: bigint | Uint8Array): ErrnoName | undefined {
    const payload = typeof value === 'bigint' ? undefined : payloadOf(control);
    if (payload !== undefined) payload.set(value as Uint8Array);
    const array = oneControl(control, payload === undefined ? (value as bigint) : BigInt(addressOf(payload)));
    return this.refusalOf(this.ioctl(fd, VIDIOC_S_EXT_CTRLS, controlsArgument(array)));
  }

  /**
   * Also of changes that this descriptor makes.
   *
   * @param id of a control; of a change of source the index of the input; else 0
   */
  subscribe(fd: BorrowedFd, type: number, id = 0): boolean {
    const argument = v4l2EventSubscription.write({ type, id, flags: V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK });
    return this.mayIoctl(fd, ['VIDIOC_SUBSCRIBE_EVENT', VIDIOC_SUBSCRIBE_EVENT], argument);
  }

  /** Why there are no events any more: `ENODEV` of a device that is gone. */
  refusedEvent(fd: BorrowedFd): DmaBufError {
    const result = this.ioctl(fd, VIDIOC_DQEVENT, v4l2Event.write({}));
    return this.error('VIDIOC_DQEVENT', result < 0 ? result : -constants.errno.EIO, {});
  }

  /** Undefined where there is none now. */
  nextEvent(fd: BorrowedFd): V4l2Event | undefined {
    const argument = v4l2Event.write({});
    if (!this.mayIoctl(fd, ['VIDIOC_DQEVENT', VIDIOC_DQEVENT], argument, ['ENOENT', 'EAGAIN'])) return undefined;
    const event = v4l2Event.read(argument);
    const { type, id } = event;
    const timestampNs = BigInt(event['timestamp.tvSec']) * NS_PER_SECOND + BigInt(event['timestamp.tvNsec']);
    const payload = argument.subarray(payloadAt);
    if (type === V4L2_EVENT_CTRL) {
      const control = v4l2EventCtrl.read(payload);
      const value = control.type === V4L2_CTRL_TYPE_INTEGER64 ? control.value64 : BigInt.asIntN(32, control.value64);
      return { type, id, timestampNs, changes: control.changes, value };
    }
    const changes = type === V4L2_EVENT_SOURCE_CHANGE ? v4l2EventSrcChange.read(payload).changes : 0;
    return { type, id, timestampNs, changes, value: 0n };
  }
}

/** Shared memory does not move: the kernel reads and writes there by its address. */
function payloadOf({ payloadBytes }: V4l2ControlDescription): Uint8Array | undefined {
  return payloadBytes === 0 ? undefined : new Uint8Array(new SharedArrayBuffer(payloadBytes));
}

function oneControl({ id, payloadBytes }: V4l2ControlDescription, value64: bigint): Uint8Array {
  const array = new Uint8Array(new SharedArrayBuffer(v4l2ExtControl.size));
  return v4l2ExtControl.write({ id, size: payloadBytes, value64 }, array);
}

function controlsArgument(array: Uint8Array): Uint8Array {
  return v4l2ExtControls.write({ count: 1, controls: addressOf(array) });
}
