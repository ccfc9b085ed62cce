import { join } from 'node:path';

import type { DmaBufError } from '../base/errors.ts';
import { readIdentity } from './accounts.ts';
import { asRoot } from './device-permission.ts';
import { formatRemedy } from './remedy.ts';
import { readOptionalSystemFile } from './system-file.ts';

/** Why nothing can be traced here, and what would help. */
export interface TracingRefusal {
  readonly reason: string;
  readonly remedy?: string;
}

/** tracefs is not mounted. `root`: where `/proc` is found. */
export function explainMissingTracefs(root: string): TracingRefusal {
  const known = readOptionalSystemFile(join(root, 'proc/filesystems'))?.includes('\ttracefs\n');
  if (known === false)
    return {
      reason: 'this kernel has no tracefs',
      remedy: 'boot a kernel built with CONFIG_FTRACE=y and CONFIG_KPROBE_EVENTS=y',
    };
  const mount = asRoot('mount -t tracefs nodev /sys/kernel/tracing', readIdentity(root));
  return { reason: 'tracefs is not mounted', remedy: `${formatRemedy({ commands: [mount] })}, then run this as root` };
}

/** tracefs is there, and refused. */
export function explainRefusedTracing({ code, message, syscall, values }: DmaBufError, root: string): TracingRefusal {
  const path = String(values['path'] ?? '');
  if (path !== '' && (code === 'EACCES' || code === 'EPERM')) return explainPermission(root);
  if (code === 'EROFS') return { reason: 'tracefs is mounted read-only', remedy: 'mount it anew with "-o remount,rw"' };
  if (code === 'ENOENT' && syscall === 'open' && path.endsWith('/kprobe_events'))
    return { reason: 'this kernel has no probes', remedy: 'boot a kernel built with CONFIG_KPROBE_EVENTS=y' };
  return { reason: message };
}

function explainPermission(root: string): TracingRefusal {
  if (!readIdentity(root).overridesPermissions)
    return { reason: 'only root may use tracefs', remedy: 'run this as root' };
  const lockdown = readOptionalSystemFile(join(root, 'sys/kernel/security/lockdown')) ?? '';
  if (lockdown.includes('[confidentiality]'))
    return { reason: 'the kernel is locked down', remedy: 'boot it without "lockdown=confidentiality"' };
  return {
    reason: 'root may not trace in this container',
    remedy: 'run this outside of it, or in one with "--privileged"',
  };
}
