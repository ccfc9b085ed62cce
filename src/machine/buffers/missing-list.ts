import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { readIdentity } from '../../diagnosis/accounts.ts';
import { asRoot } from '../../diagnosis/device-permission.ts';
import { formatRemedy } from '../../diagnosis/remedy.ts';
import { readSystemFile } from '../../linux/proc/system-file.ts';
import type { Gap } from './gap.ts';
import { readOrRefusal } from './refusal.ts';
import type { Machine } from '../../linux/machine.ts';

const DEBUGFS = '/sys/kernel/debug';
const BUFINFO = `${DEBUGFS}/dma_buf/bufinfo`;

/** Why no list of dma-bufs is accessible, and the remedy. */
export function explainMissingList(machine: Machine): Gap {
  const [reason, remedy] = explainDebugfs(machine);
  return {
    kind: 'kernel-list',
    what: `Buffers that no process holds are not listed, nor who else in the kernel holds one: ${reason}`,
    count: null,
    remedy: `${remedy}; or pin a BPF iterator over dma-bufs, and name it with --bpf`,
  };
}

function explainDebugfs(machine: Machine): readonly [reason: string, remedy: string] {
  const bufinfo = readOrRefusal(() => readSystemFile(join(machine.root, BUFINFO)));
  if ('value' in bufinfo) return [`${BUFINFO} has a format that is not known`, 'report it with that file'];
  const entries = readOrRefusal(() => readdirSync(join(machine.root, DEBUGFS)));
  if (bufinfo.refusal === 'forbidden' || ('refusal' in entries && entries.refusal === 'forbidden'))
    return [`${BUFINFO} may not be read`, accessRemedy(machine)];
  if ('refusal' in entries) return [`there is no ${DEBUGFS}`, 'use a kernel built with CONFIG_DEBUG_FS'];
  if (entries.value.length === 0) return [`nothing is mounted at ${DEBUGFS}`, mountRemedy(machine)];
  return [`there is no ${BUFINFO}`, 'use a kernel that has dma-bufs (CONFIG_DMA_SHARED_BUFFER)'];
}

function mountRemedy(machine: Machine): string {
  const identity = readIdentity(machine);
  const command = formatRemedy({ commands: [asRoot(`mount -t debugfs none ${DEBUGFS}`, identity)] });
  return identity.userId === 0 ? command : `${command}, and then this as root`;
}

/** Permissions do not stop root. */
function accessRemedy(machine: Machine): string {
  return readIdentity(machine).overridesPermissions
    ? 'boot the kernel without "lockdown=confidentiality", or run outside of the container'
    : 'run as root';
}
