import { inspect } from 'node:util';

import type { WaitOptions } from '../base/abort.ts';
import { outOfRange, wrongType } from '../base/argument-error.ts';
import { readWaitOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import { readiness } from '../linux/calls/readiness.ts';
import { V4l2ControlCalls } from '../linux/calls/v4l2-control-calls.ts';
import { Machine } from '../linux/machine.ts';
import { listControls } from './control-list.ts';
import type { ControlDescription, ListedControl } from './control-list.ts';
import { checkControlValue, controlValueOf } from './control-value.ts';
import type { ControlValue } from './control-value.ts';
import { DeviceEvents } from './device-events.ts';
import { listInputIndexes, openDevice } from './device-info.ts';
import { findDevice } from './find-device.ts';
import { refusedByDevice, refusedOpening, withRefusals } from './refusals.ts';

/** A device whose controls are used. */
interface ControlledDevice {
  readonly path: string;
  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED` */
  borrow(): BorrowedFd;
  close(): void;
}

/** The controls of a video device: brightness, exposure, and whatever else its driver has. */
export class VideoControls {
  readonly #machine: Machine;
  readonly #device: ControlledDevice;
  readonly #calls: V4l2ControlCalls;
  readonly #events = new Set<DeviceEvents>();

  /** @internal */
  constructor(machine: Machine, device: ControlledDevice) {
    this.#machine = machine;
    this.#device = device;
    this.#calls = new V4l2ControlCalls(machine.raw);
  }

  /** Every control, as the driver describes it now: ranges and flags may change. */
  list(): readonly ControlDescription[] {
    return Object.freeze(this.#list('list the controls').map(({ description }) => description));
  }

  /**
   * What a control is set to.
   *
   * @param control its key (`brightness`), its name (`Brightness`), or its id
   * @throws {TypeError | RangeError} for one that there is not
   * @throws {DmaBufError} `EACCES` for one that can only be written, else as the driver refuses
   */
  get(control: string | number): ControlValue {
    const action = `read the control ${shown(control)}`;
    const { kernel, description } = this.#find(control, action);
    const attempt = { action: `${action} of ${this.#device.path}`, path: this.#device.path };
    return withRefusals(this.#machine, attempt, () =>
      controlValueOf(description.type, this.#calls.getControl(this.#device.borrow(), kernel)),
    );
  }

  /**
   * Sets a control. The driver may round the value to a step.
   *
   * @param control as of {@link get}
   * @param value of the control's type; of a menu, an index or a label; of a button none
   * @throws {TypeError | RangeError} for a control that there is not, or a value out of its range
   * @throws {DmaBufError} `EACCES` for one that can only be read, `EBUSY` for one that cannot be
   *   set now, else as the driver refuses
   */
  set(control: string | number, value?: ControlValue): void {
    const action = `set the control ${shown(control)}`;
    const found = this.#find(control, action);
    const checked = checkControlValue(found, value, action);
    const { path } = this.#device;
    const refusal = this.#calls.setControl(this.#device.borrow(), found.kernel, checked);
    if (refusal === undefined) return;
    const attempt = { action: `${action} of ${path}`, path };
    if (refusal === 'EBUSY') {
      const message = `Cannot ${attempt.action} as it cannot be changed now, such as while frames stream (EBUSY)`;
      throw new DmaBufError(message, { code: refusal, syscall: 'VIDIOC_S_EXT_CTRLS', values: { path } });
    }
    throw refusedByDevice(this.#machine, attempt, { code: refusal, syscall: 'VIDIOC_S_EXT_CTRLS' });
  }

  /**
   * What happens to the device from now on: controls that change, by whatever program; another
   * source; the end of a stream. Close it, or leave its loop.
   *
   * @throws the abort reason when it is given up already
   */
  events(options: WaitOptions = {}): DeviceEvents {
    const plain = readWaitOptions(options, 'wait for events');
    const controls = this.#list('wait for events');
    const ended = (events: DeviceEvents): void => {
      this.#events.delete(events);
    };
    const fd = this.#device.borrow();
    const inputs = listInputIndexes(this.#machine, fd);
    const events = new DeviceEvents({ calls: this.#calls, fd, controls, inputs, readiness, ended }, plain);
    this.#events.add(events);
    return events;
  }

  /** Closes the device, where it was opened for its controls alone. Idempotent. */
  close(): void {
    VideoControls.endEvents(this);
    this.#device.close();
  }

  /** Before the device is closed: whoever waits for its events is told of the end. @internal */
  static endEvents(controls: VideoControls): void {
    for (const events of controls.#events) events.close();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `VideoControls { ${this.#device.path} }`;
  }

  #list(action: string): ListedControl[] {
    const { path } = this.#device;
    return withRefusals(this.#machine, { action: `${action} of ${path}`, path }, () =>
      listControls(this.#calls, this.#device.borrow()),
    );
  }

  #find(control: unknown, action: string): ListedControl {
    const argument = { action, name: 'control' };
    if (typeof control !== 'string' && typeof control !== 'number')
      throw wrongType(argument, { must: "be a control's key, name or id", received: control });
    const controls = this.#list(action);
    const found = controls.find(
      ({ description: { id, key, name } }) => id === control || key === control || name === control,
    );
    if (found !== undefined) return found;
    const keys = controls.map(({ description }) => description.key).join(', ');
    throw outOfRange(argument, { must: `be one of ${keys}`, received: control });
  }
}

function shown(control: unknown): string {
  return typeof control === 'string'
    ? quoteForeign(control)
    : `${typeof control === 'number' ? control : typeof control}`;
}

const OPEN = 'open the controls';

/**
 * Opens a device for its controls alone: others may stream it meanwhile.
 *
 * @param device a path, a stable path (`/dev/v4l/by-id/…`), a name or a bus, as `listCameras` gives
 * @throws {TypeError} for what is no text
 * @throws {DmaBufError} `ENODEV` where there is none of that name, else as the kernel refuses
 *
 * @example
 * ```ts
 * import { openVideoControls } from 'dmabuf/v4l2';
 *
 * function brighten(device: string): void {
 *   const controls = openVideoControls(device);
 *   controls.set('brightness', Number(controls.get('brightness')) + 1);
 *   controls.close();
 * }
 * console.log(typeof brighten); // function
 * ```
 */
export function openVideoControls(device: string): VideoControls;
/** @internal */
export function openVideoControls(device: string, machine: Machine): VideoControls;
export function openVideoControls(device: string, hidden?: unknown): VideoControls {
  const machine = Machine.hiddenIn(hidden);
  const node = findDevice(machine, { device, action: OPEN, kind: 'capture' });
  const { fd } = refusedOpening(machine, { action: OPEN, path: node.path }, () => openDevice(machine, node));
  fd.closeWhenCollected('the controls of a video device');
  return new VideoControls(machine, { path: node.path, borrow: () => fd.borrow(), close: () => fd.close() });
}
