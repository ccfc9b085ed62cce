import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { readIdentity } from '../../linux/accounts.ts';
import { asRoot } from '../../linux/device-permission.ts';
import { findMountPoint } from '../../linux/mount-point.ts';
import type { Finding } from './finding.ts';

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

/** Whether the file systems are there through which the kernel shows what it does. */
export function examineTracing(root: string): Finding[] {
  return FILE_SYSTEMS.map((fileSystem) => examineFileSystem(fileSystem, root));
}

function examineFileSystem({ type, mountPoint, matters }: KernelFileSystem, root: string): Finding {
  const subject = { id: type, topic: 'tracing', matters } as const;
  const mounted = findMountPoint(type, root);
  if (mounted === undefined) {
    const mount = asRoot(`mount -t ${type} nodev ${mountPoint}`, readIdentity(root));
    return { ...subject, status: 'note', found: `${type} is not mounted`, remedy: { commands: [mount] } };
  }
  if (canList(join(root, mounted))) return { ...subject, status: 'ok', found: `${type} is at ${mounted}` };
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
