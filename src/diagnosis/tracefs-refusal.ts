import { join } from 'node:path';

import type { DmaBufError } from '../base/errors.ts';
import { readIdentity } from './accounts.ts';
import { asRoot } from './device-permission.ts';
import { formatRemedy } from './remedy.ts';
import { readOptionalSystemFile } from '../linux/proc/system-file.ts';
import type { Machine } from '../linux/machine.ts';

/** Why nothing can be traced here, and the remedy. */
export interface TracingRefusal {
  readonly reason: string;
  readonly remedy?: string;
}

/** For tracefs that is not mounted. */
export function explainMissingTracefs(machine: Machine): TracingRefusal {
  const known = readOptionalSystemFile(join(machine.root, 'proc/filesystems'))?.includes('\ttracefs\n');
  if (known === false)
    return {
      reason: 'this kernel has no tracefs',
      remedy: 'boot a kernel built with CONFIG_FTRACE=y and CONFIG_KPROBE_EVENTS=y',
    };
  const mount = asRoot('mount -t tracefs nodev /sys/kernel/tracing', readIdentity(machine));
  return { reason: 'tracefs is not mounted', remedy: `${formatRemedy({ commands: [mount] })}, then run this as root` };
}

/** For tracefs that is mounted, and refused. */
export function explainRefusedTracing(
  { code, message, syscall, values }: DmaBufError,
  machine: Machine,
): TracingRefusal {
  const path = String(values['path'] ?? '');
  if (path !== '' && (code === 'EACCES' || code === 'EPERM')) return explainPermission(machine);
  if (code === 'EROFS') return { reason: 'tracefs is mounted read-only', remedy: 'mount it anew with "-o remount,rw"' };
  if (code === 'ENOENT' && syscall === 'open' && /\/(?:kprobe|dynamic)_events$/u.test(path))
    return { reason: 'this kernel has no probes', remedy: 'boot a kernel built with CONFIG_KPROBE_EVENTS=y' };
  return { reason: message };
}

function explainPermission(machine: Machine): TracingRefusal {
  if (!readIdentity(machine).overridesPermissions)
    return { reason: 'only root may use tracefs', remedy: 'run this as root' };
  const lockdown = readOptionalSystemFile(join(machine.root, 'sys/kernel/security/lockdown')) ?? '';
  if (lockdown.includes('[confidentiality]'))
    return { reason: 'the kernel is locked down', remedy: 'boot it without "lockdown=confidentiality"' };
  return {
    reason: 'root may not trace in this container',
    remedy: 'run this outside of it, or in one with "--privileged"',
  };
}
