import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { SOL_SOCKET } from '../../src/uapi/socket.ts';

const ENOPROTOOPT = 92;

/**
 * Options that make the kernel put more beside a message (include/uapi/asm-generic/socket.h), with
 * what each is set to.
 */
export const PASSING_OPTIONS: Readonly<Record<string, { readonly name: number; readonly value: number }>> = {
  SO_PASSCRED: { name: 16, value: 1 },
  SO_PASSSEC: { name: 34, value: 1 },
  SO_TIMESTAMPNS: { name: 35, value: 1 },
  SO_RXQ_OVFL: { name: 40, value: 1 },
  SO_TIMESTAMPNS_NEW: { name: 64, value: 1 },
  // SOF_TIMESTAMPING_RX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE and more.
  SO_TIMESTAMPING_NEW: { name: 65, value: 0x1ff },
  SO_RCVMARK: { name: 75, value: 1 },
  SO_PASSPIDFD: { name: 76, value: 1 },
  SO_RCVPRIORITY: { name: 82, value: 1 },
  SO_PASSRIGHTS: { name: 83, value: 1 },
  SO_INQ: { name: 84, value: 1 },
};

/** Sets an option of a socket. False where this kernel has none of that number. */
export function setSocketOption(fd: number, { name, value }: { name: number; value: number }): boolean {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  const result = kernelCalls.setsockopt(fd, SOL_SOCKET, name, bytes, bytes.length);
  if (result === 0) return true;
  if (result === -ENOPROTOOPT) return false;
  throw new Error(`setsockopt(${name}, ${value}) failed with ${-result}`);
}
