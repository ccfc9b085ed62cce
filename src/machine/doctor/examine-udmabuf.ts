import { join } from 'node:path';

import { formatSize, MiB } from '../../base/sizes.ts';
import type { HeapProbe } from '../../backend/list-heaps.ts';
import { UDMABUF_DEVICE } from '../../backend/fd-buffer/memfd-buffer.ts';
import { readIdentity } from '../../diagnosis/accounts.ts';
import { asRoot } from '../../diagnosis/device-permission.ts';
import { findDriver } from '../../linux/proc/kernel-driver.ts';
import type { Remedy } from '../../diagnosis/remedy.ts';
import { readOptionalSystemFile } from '../../linux/proc/system-file.ts';
import type { Finding } from './finding.ts';
import type { Machine } from '../../linux/machine.ts';

const PARAMETERS = '/sys/module/udmabuf/parameters';
const DRIVER = { module: 'udmabuf', option: 'CONFIG_UDMABUF' };
/** The driver's defaults (drivers/dma-buf/udmabuf.c). */
const SIZE_LIMIT_MIB_DEFAULT = 64;
/** Room for two 8K frames of four bytes per pixel, and for as many single pages. */
const SIZE_LIMIT_MIB_RAISED = 256;
const LIST_LIMIT_RAISED = 65_536;

/** Whether ordinary memory can become dma-bufs on this machine, and up to which size. */
export function examineUdmabuf(machine: Machine, probes: readonly HeapProbe[]): Finding[] {
  const refusal = probes.find(({ backend }) => backend === 'udmabuf')?.refusal;
  const matters =
    'it makes dma-bufs of ordinary memory, which is charged to its user: what most systems give to everyone';
  const subject = { id: 'udmabuf', topic: 'udmabuf', matters } as const;
  if (refusal === undefined)
    return [
      { ...subject, status: 'ok', found: `${UDMABUF_DEVICE} is open to this process` },
      ...examineLimits(machine),
    ];
  const { code, reason, remedy } = refusal;
  const status = code === 'ENOENT' ? 'warning' : 'problem';
  return [
    { ...subject, status, found: reason, ...(remedy === undefined ? {} : { remedy }) },
    ...examineLimits(machine),
  ];
}

function examineLimits(machine: Machine): Finding[] {
  const sizeLimitMib = readParameter('size_limit_mb', machine);
  const listLimit = readParameter('list_limit', machine);
  if (sizeLimitMib === undefined || listLimit === undefined) return [];
  const isDefault = sizeLimitMib <= SIZE_LIMIT_MIB_DEFAULT;
  return [
    {
      id: 'udmabuf-limits',
      topic: 'udmabuf',
      status: isDefault ? 'note' : 'ok',
      found: `a udmabuf may have ${formatSize(sizeLimitMib * MiB)} (size_limit_mb) and ${listLimit} pieces (list_limit)`,
      matters: 'the driver refuses more with EINVAL',
      ...(isDefault ? { remedy: raisingLimits(machine) } : {}),
    },
  ];
}

function readParameter(name: string, machine: Machine): number | undefined {
  const text = readOptionalSystemFile(join(machine.root, PARAMETERS, name));
  return text === undefined ? undefined : Number(text);
}

/**
 * Immediately through `/sys`, and permanently where the driver reads its parameters: for a module
 * modprobe.d, otherwise the command line.
 */
function raisingLimits(machine: Machine): Remedy {
  const identity = readIdentity(machine);
  const values = [
    ['size_limit_mb', SIZE_LIMIT_MIB_RAISED],
    ['list_limit', LIST_LIMIT_RAISED],
  ] as const;
  const now = values.map(([name, value]) => `echo ${value} | ${asRoot(`tee ${PARAMETERS}/${name}`, identity)}`);
  if (findDriver(DRIVER, machine) === 'loadable') {
    const options = values.map(([name, value]) => `${name}=${value}`).join(' ');
    const file = asRoot('tee /etc/modprobe.d/udmabuf.conf', identity);
    return { commands: [...now, `echo 'options udmabuf ${options}' | ${file}`] };
  }
  const words = values.map(([name, value]) => `udmabuf.${name}=${value}`).join(' ');
  return { commands: now, note: `to keep it, write on the command line of the kernel: ${words}` };
}
