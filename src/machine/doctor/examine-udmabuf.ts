import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { formatSize, MiB } from '../../base/sizes.ts';
import { readIdentity } from '../../linux/accounts.ts';
import { diagnoseRefusedDevice } from '../../linux/device-access.ts';
import { asRoot } from '../../linux/device-permission.ts';
import { findDriver } from '../../linux/kernel-driver.ts';
import type { Remedy } from '../../linux/remedy.ts';
import { readOptionalSystemFile } from '../../linux/system-file.ts';
import type { Finding } from './finding.ts';
import { tryOpen } from './try-open.ts';

const DEVICE = '/dev/udmabuf';
const PARAMETERS = '/sys/module/udmabuf/parameters';
const DRIVER = { module: 'udmabuf', option: 'CONFIG_UDMABUF' };
/** What the driver starts with (drivers/dma-buf/udmabuf.c). */
const SIZE_LIMIT_MIB_DEFAULT = 64;
/** Room for an 8K frame of four bytes a pixel, twice over; and for as many single pages. */
const SIZE_LIMIT_MIB_RAISED = 256;
const LIST_LIMIT_RAISED = 65_536;

/** Whether ordinary memory can be made into dma-bufs here, and up to which size. */
export function examineUdmabuf(root: string): Finding[] {
  const code = tryOpen(join(root, DEVICE));
  const matters =
    'it makes dma-bufs of ordinary memory, which is charged to its user: what most systems give to everyone';
  const subject = { id: 'udmabuf', topic: 'udmabuf', matters } as const;
  if (code === undefined)
    return [{ ...subject, status: 'ok', found: `${DEVICE} is open to this process` }, ...examineLimits(root)];
  const { reason, remedy } = diagnoseRefusedDevice(DEVICE, code, root);
  const status = existsSync(join(root, DEVICE)) ? 'problem' : 'warning';
  return [{ ...subject, status, found: reason, remedy }, ...examineLimits(root)];
}

function examineLimits(root: string): Finding[] {
  const sizeLimitMib = readParameter('size_limit_mb', root);
  const listLimit = readParameter('list_limit', root);
  if (sizeLimitMib === undefined || listLimit === undefined) return [];
  const isDefault = sizeLimitMib <= SIZE_LIMIT_MIB_DEFAULT;
  return [
    {
      id: 'udmabuf-limits',
      topic: 'udmabuf',
      status: isDefault ? 'note' : 'ok',
      found: `a udmabuf may have ${formatSize(sizeLimitMib * MiB)} (size_limit_mb) and ${listLimit} pieces (list_limit)`,
      matters: 'the driver refuses more with EINVAL',
      ...(isDefault ? { remedy: raisingLimits(root) } : {}),
    },
  ];
}

function readParameter(name: string, root: string): number | undefined {
  const text = readOptionalSystemFile(join(root, PARAMETERS, name));
  return text === undefined ? undefined : Number(text);
}

/** At once through `/sys`, and for good where the driver reads its parameters: a module from modprobe.d, else the command line. */
function raisingLimits(root: string): Remedy {
  const identity = readIdentity(root);
  const values = [
    ['size_limit_mb', SIZE_LIMIT_MIB_RAISED],
    ['list_limit', LIST_LIMIT_RAISED],
  ] as const;
  const now = values.map(([name, value]) => `echo ${value} | ${asRoot(`tee ${PARAMETERS}/${name}`, identity)}`);
  if (findDriver(DRIVER, root) === 'loadable') {
    const options = values.map(([name, value]) => `${name}=${value}`).join(' ');
    const file = asRoot('tee /etc/modprobe.d/udmabuf.conf', identity);
    return { commands: [...now, `echo 'options udmabuf ${options}' | ${file}`] };
  }
  const words = values.map(([name, value]) => `udmabuf.${name}=${value}`).join(' ');
  return { commands: now, note: `to keep it, write on the command line of the kernel: ${words}` };
}
