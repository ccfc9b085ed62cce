/**
 * How ioctl numbers are put together: include/uapi/asm-generic/ioctl.h, as on x86, arm, arm64 and
 * riscv.
 */

const NUMBER_BITS = 8;
const GROUP_BITS = 8;
const SIZE_BITS = 14;
const GROUP_SHIFT = NUMBER_BITS;
const SIZE_SHIFT = GROUP_SHIFT + GROUP_BITS;
const DIRECTION_SHIFT = SIZE_SHIFT + SIZE_BITS;

/** Seen from the caller: "write" passes the argument to the kernel, "read" gets it back. */
const DIRECTION_NONE = 0;
const DIRECTION_WRITE = 1;
const DIRECTION_READ = 2;

/** What identifies an ioctl: the driver's letter, and a number. */
interface IoctlCommand {
  readonly group: string;
  readonly number: number;
}

/** `_IO`: nothing is passed. */
export function ioctlWithout(command: IoctlCommand): number {
  return compose(DIRECTION_NONE, command, 0);
}

/** `_IOW`: the caller passes `argumentBytes` to the driver. */
export function ioctlWrite(command: IoctlCommand, argumentBytes: number): number {
  return compose(DIRECTION_WRITE, command, argumentBytes);
}

/** `_IOR`: the driver answers in `argumentBytes`. */
export function ioctlRead(command: IoctlCommand, argumentBytes: number): number {
  return compose(DIRECTION_READ, command, argumentBytes);
}

/** `_IOWR`: the caller passes `argumentBytes` to the driver, which answers in the same bytes. */
export function ioctlReadWrite(command: IoctlCommand, argumentBytes: number): number {
  return compose(DIRECTION_WRITE | DIRECTION_READ, command, argumentBytes);
}

function compose(direction: number, command: IoctlCommand, argumentBytes: number): number {
  const group = command.group.charCodeAt(0);
  const low = command.number | (group << GROUP_SHIFT) | (argumentBytes << SIZE_SHIFT);
  return low + direction * 2 ** DIRECTION_SHIFT;
}
