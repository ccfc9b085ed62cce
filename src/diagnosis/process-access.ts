/** Why this process cannot see the resources of others, and the remedy. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';

import { errnoName } from '../base/errors.ts';
import { thisMachine } from '../linux/machine.ts';
import type { Machine } from '../linux/machine.ts';
import { readOptionalSystemFile } from '../linux/proc/system-file.ts';
import { readIdentity } from './accounts.ts';

/** include/uapi/linux/capability.h. */
const CAP_SYS_PTRACE = 19n;
/**
 * No process may attach to another until the machine restarts
 * (Documentation/admin-guide/LSM/Yama.rst).
 */
const YAMA_NO_ATTACH = '3';

/**
 * Whether this process may inspect processes of every user (`CAP_SYS_PTRACE`, man 7 capabilities).
 */
export function mayTraceProcesses(machine: Machine = thisMachine): boolean {
  const status = readOptionalSystemFile(join(machine.root, 'proc/self/status')) ?? '';
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/mu.exec(status)?.[1] ?? '0'}`);
  return ((capabilities >> CAP_SYS_PTRACE) & 1n) === 1n;
}

/** What would let this process inspect others: a clause. */
export function processAccessRemedy(machine: Machine = thisMachine): string {
  if (readIdentity(machine).userId !== 0) return 'run as root';
  return mayTraceProcesses(machine)
    ? 'none is known for root: a user namespace or a security module protects them'
    : 'run with CAP_SYS_PTRACE (in a container: start it with --cap-add SYS_PTRACE)';
}

/** A refused descriptor of another process (`EPERM`), and the reason. */
interface RefusedDescriptor {
  /**
   * `EBADF` where the process has no such descriptor: the kernel checks the rights before it looks.
   */
  readonly code: 'EBADF' | 'EPERM';
  /** A clause, with the remedy. */
  readonly reason: string;
}

/**
 * Why pidfd_getfd(2) refused a descriptor with `EPERM`. The kernel checks the right to trace the
 * process first, and only then whether the descriptor exists (kernel/pid.c, __pidfd_fget). `/proc`
 * shows the second to almost every process.
 */
export function explainRefusedDescriptor(
  { pid, fd }: { readonly pid: number; readonly fd: number },
  machine: Machine = thisMachine,
): RefusedDescriptor {
  const slotCount = readSlotCount(pid, machine);
  if (slotCount !== undefined && fd >= slotCount)
    return { code: 'EBADF', reason: `it has no such descriptor: all of its numbers are below ${slotCount}` };
  if (isMissing(join(machine.root, `proc/${pid}/fd/${fd}`)))
    return { code: 'EBADF', reason: `it has no such descriptor: "ls /proc/${pid}/fd" lists those it has` };
  const right = 'taking one asks for the right to trace that process (ptrace)';
  return { code: 'EPERM', reason: `${right}: ${tracingRemedy(machine)}` };
}

function tracingRemedy(machine: Machine): string {
  const scope = readOptionalSystemFile(join(machine.root, 'proc/sys/kernel/yama/ptrace_scope'))?.trim();
  if (scope === YAMA_NO_ATTACH) return 'nobody has it here until a restart, as /proc/sys/kernel/yama/ptrace_scope is 3';
  if (readIdentity(machine).userId === 0) {
    return mayTraceProcesses(machine)
      ? 'none is known for root: a user namespace or a security module protects it'
      : processAccessRemedy(machine);
  }
  const asItsUser = scope === undefined || scope === '0' ? '' : ' where /proc/sys/kernel/yama/ptrace_scope is 0';
  return `run this as root, or as the user of that process${asItsUser}`;
}

/**
 * The number of descriptors that the table of a process has room for (man 5 proc, FDSize). Every
 * descriptor has a lower number.
 */
function readSlotCount(pid: number, machine: Machine): number | undefined {
  const status = readOptionalSystemFile(join(machine.root, `proc/${pid}/status`)) ?? '';
  const size = /^FDSize:\s*(\d+)$/mu.exec(status)?.[1];
  return size === undefined ? undefined : Number(size);
}

/** Whether the file certainly does not exist: a hidden one may. */
function isMissing(path: string): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    return errnoName(-((error as NodeJS.ErrnoException).errno ?? 0)) === 'ENOENT';
  }
}
