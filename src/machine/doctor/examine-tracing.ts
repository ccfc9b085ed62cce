import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { readIdentity } from '../../diagnosis/accounts.ts';
import { asRoot } from '../../diagnosis/device-permission.ts';
import { findMountPoint } from '../../linux/proc/mount-point.ts';
import type { Finding } from './finding.ts';
import type { Machine } from '../../linux/machine.ts';

interface KernelFileSystem {
  readonly type: 'tracefs' | 'debugfs';
  readonly mountPoint: string;
  readonly matters: string;
}

const FILE_SYSTEMS: readonly KernelFileSystem[] = [
  {
    type: 'tracefs',
    mountPoint: '/sys/kernel/tracing',
    matters: 'through it the layout of kernel buffers can be told, and who maps them',
  },
  {
    type: 'debugfs',
    mountPoint: '/sys/kernel/debug',
    matters: 'dma_buf/bufinfo in it lists every dma-buf of the machine, also those that only the kernel holds',
  },
];

/** Whether the file systems exist through which the kernel shows dma-bufs and traces. */
export function examineTracing(machine: Machine): Finding[] {
  return FILE_SYSTEMS.map((fileSystem) => examineFileSystem(fileSystem, machine));
}

function examineFileSystem({ type, mountPoint, matters }: KernelFileSystem, machine: Machine): Finding {
  const subject = { id: type, topic: 'tracing', matters } as const;
  const mounted = findMountPoint(type, machine);
  if (mounted === undefined) {
    const mount = asRoot(`mount -t ${type} nodev ${mountPoint}`, readIdentity(machine));
    return { ...subject, status: 'note', found: `${type} is not mounted`, remedy: { commands: [mount] } };
  }
  if (canList(join(machine.root, mounted))) return { ...subject, status: 'ok', found: `${type} is at ${mounted}` };
  const found = `${type} is at ${mounted}, but not for this user`;
  return { ...subject, status: 'note', found, remedy: { commands: [], note: 'run what needs it as root' } };
}

function canList(folder: string): boolean {
  try {
    readdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
