import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { V4l2ControlCalls, V4l2ControlDescription } from '../linux/calls/v4l2-control-calls.ts';
import {
  V4L2_CTRL_FLAG_DISABLED,
  V4L2_CTRL_FLAG_GRABBED,
  V4L2_CTRL_FLAG_INACTIVE,
  V4L2_CTRL_FLAG_READ_ONLY,
  V4L2_CTRL_FLAG_VOLATILE,
  V4L2_CTRL_FLAG_WRITE_ONLY,
  V4L2_CTRL_TYPE_BITMASK,
  V4L2_CTRL_TYPE_BOOLEAN,
  V4L2_CTRL_TYPE_BUTTON,
  V4L2_CTRL_TYPE_CTRL_CLASS,
  V4L2_CTRL_TYPE_INTEGER,
  V4L2_CTRL_TYPE_INTEGER64,
  V4L2_CTRL_TYPE_INTEGER_MENU,
  V4L2_CTRL_TYPE_MENU,
  V4L2_CTRL_TYPE_STRING,
} from '../uapi/videodev2-controls.ts';

/**
 * What a control's value is. `integer`, `boolean`, `bitmask`: a number, a boolean, a number of 32
 * bits. `menu`, `integerMenu`: an index into `menu`. `integer64`: a bigint. `string`: a text.
 * `button`: none, setting it acts. `compound`: bytes, as its driver has them.
 */
export type ControlType =
  | 'integer'
  | 'boolean'
  | 'menu'
  | 'integerMenu'
  | 'bitmask'
  | 'integer64'
  | 'string'
  | 'button'
  | 'compound';

/** A control of a device. */
export interface ControlDescription {
  /** `V4L2_CID_…`. */
  readonly id: number;
  /** As the driver has it: `Brightness`. */
  readonly name: string;
  /** The name as programs write it, `brightness`: what `v4l2-ctl` shows. */
  readonly key: string;
  /** What its value is. */
  readonly type: ControlType;
  /** The title under which it stands: `User Controls`. */
  readonly group: string;
  /** Of a `string`: its length in bytes. */
  readonly minimum: bigint;
  /** As {@link minimum}. Of a bitmask: the bits that there are. */
  readonly maximum: bigint;
  /** The driver rounds values to multiples of it. */
  readonly step: bigint;
  /** What it is set to when the driver starts. */
  readonly defaultValue: bigint;
  /** The choices by index. Some indexes may have none. */
  readonly menu: readonly ControlMenuItem[];
  /** It can only be read. */
  readonly readOnly: boolean;
  /** It can only be set. */
  readonly writeOnly: boolean;
  /** Another control makes it meaningless now. */
  readonly inactive: boolean;
  /** It cannot be set now, such as while frames stream. */
  readonly grabbed: boolean;
  /** It changes by itself, without an event. */
  readonly volatile: boolean;
}

/** A choice. */
export interface ControlMenuItem {
  /** What the control is set to for it. */
  readonly index: number;
  /** What it is called, or the number that it stands for. */
  readonly label: string;
}

/** A control, with what the kernel needs to get and set it. */
export interface ListedControl {
  readonly description: ControlDescription;
  readonly kernel: V4l2ControlDescription;
}

const TYPES: Readonly<Record<number, ControlType>> = {
  [V4L2_CTRL_TYPE_INTEGER]: 'integer',
  [V4L2_CTRL_TYPE_BOOLEAN]: 'boolean',
  [V4L2_CTRL_TYPE_MENU]: 'menu',
  [V4L2_CTRL_TYPE_INTEGER_MENU]: 'integerMenu',
  [V4L2_CTRL_TYPE_BITMASK]: 'bitmask',
  [V4L2_CTRL_TYPE_INTEGER64]: 'integer64',
  [V4L2_CTRL_TYPE_STRING]: 'string',
  [V4L2_CTRL_TYPE_BUTTON]: 'button',
};

/** A driver's menu is not to keep us for ever. */
const MENU_ITEMS_MAX = 1024;

/** Every control that is not disabled. */
export function listControls(calls: V4l2ControlCalls, fd: BorrowedFd): ListedControl[] {
  let group = '';
  return calls.listControls(fd).flatMap((kernel) => {
    if (kernel.type === V4L2_CTRL_TYPE_CTRL_CLASS) {
      group = kernel.name;
      return [];
    }
    if ((kernel.flags & V4L2_CTRL_FLAG_DISABLED) !== 0) return [];
    return [{ kernel, description: describeControl(kernel, group, menuOf(calls, fd, kernel)) }];
  });
}

function describeControl(
  { id, type, name, minimum, maximum, step, defaultValue, flags, payloadBytes }: V4l2ControlDescription,
  group: string,
  menu: readonly ControlMenuItem[],
): ControlDescription {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const isArray = payloadBytes > 0 && type !== V4L2_CTRL_TYPE_STRING;
  return Object.freeze({
    id,
    name,
    key: keyOf(name),
    type: isArray ? 'compound' : (TYPES[type] ?? 'compound'),
    group,
    minimum,
    maximum,
    step,
    defaultValue,
    menu,
    readOnly: has(V4L2_CTRL_FLAG_READ_ONLY),
    writeOnly: has(V4L2_CTRL_FLAG_WRITE_ONLY),
    inactive: has(V4L2_CTRL_FLAG_INACTIVE),
    grabbed: has(V4L2_CTRL_FLAG_GRABBED),
    volatile: has(V4L2_CTRL_FLAG_VOLATILE),
  });
}

/** Letters and digits, with one underscore for each stretch of others: `exposure_time_absolute`. */
function keyOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '_')
    .replaceAll(/^_|_$/gu, '');
}

function menuOf(calls: V4l2ControlCalls, fd: BorrowedFd, control: V4l2ControlDescription): readonly ControlMenuItem[] {
  const isNumbers = control.type === V4L2_CTRL_TYPE_INTEGER_MENU;
  if (control.type !== V4L2_CTRL_TYPE_MENU && !isNumbers) return Object.freeze([]);
  const items: ControlMenuItem[] = [];
  const last = Math.min(Number(control.maximum), Number(control.minimum) + MENU_ITEMS_MAX);
  for (let index = Number(control.minimum); index <= last; index += 1) {
    const bytes = calls.menuItem(fd, control.id, index);
    if (bytes === undefined) continue;
    items.push(Object.freeze({ index, label: isNumbers ? numberIn(bytes) : textIn(bytes) }));
  }
  return Object.freeze(items);
}

function numberIn(bytes: Uint8Array): string {
  return `${new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true)}`;
}

/** Up to its closing NUL. */
export function textIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(Uint8Array.from(end === -1 ? bytes : bytes.subarray(0, end)));
}
