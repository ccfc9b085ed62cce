import { join } from 'node:path';

import { formatSize } from '../../base/sizes.ts';
import { readIdentity } from '../../diagnosis/accounts.ts';
import { asRoot } from '../../diagnosis/device-permission.ts';
import { readAvailableMemory } from '../../linux/proc/available-memory.ts';
import { readOptionalSystemFile } from '../../linux/proc/system-file.ts';
import type { Finding } from './finding.ts';
import type { Machine } from '../../linux/machine.ts';

const NEVER_OVERCOMMIT = '2';

/** How much memory buffers may take, and the effect of taking more. */
export function examineMemory(machine: Machine): Finding[] {
  return [examineRoom(machine), examineOvercommit(machine), ONLY_KILLED];
}

/** True on every machine, and most programs find it out too late. */
const ONLY_KILLED: Finding = {
  id: 'memory-kill',
  topic: 'memory',
  status: 'note',
  found:
    'two things have no error but SIGKILL: a page touched past the limit of a control group, and memory that was ' +
    'promised to several and is used up',
  matters:
    'nothing can catch it; the embedded heap asks for room before it takes memory, but cannot know what others are about ' +
    'to take: allocate and fill at the start, and leave room',
};

function examineRoom(machine: Machine): Finding {
  const { bytes, limitedBy } = readAvailableMemory(machine);
  const isMachine = limitedBy === 'MemAvailable';
  return {
    id: 'memory-room',
    topic: 'memory',
    status: isMachine ? 'ok' : 'note',
    found: `${formatSize(bytes)} of memory can be had, limited by ${isMachine ? 'what is available' : `the ${limitedBy}`}`,
    matters: 'the embedded heap takes no more, and asks again each time before it takes any',
    ...(limitedBy.startsWith('control group') ? { remedy: { commands: [], note: MORE_FOR_GROUP } } : {}),
  };
}

const MORE_FOR_GROUP = 'let the group have more: memory.max, MemoryMax= in a service, --memory of a container';

function examineOvercommit(machine: Machine): Finding {
  const mode = readOptionalSystemFile(join(machine.root, 'proc/sys/vm/overcommit_memory'))?.trim();
  const isNever = mode === NEVER_OVERCOMMIT;
  return {
    id: 'memory-overcommit',
    topic: 'memory',
    status: isNever ? 'warning' : 'ok',
    found: isNever
      ? 'address space counts as memory (vm.overcommit_memory=2)'
      : 'address space may be reserved without memory behind it (vm.overcommit_memory)',
    matters: 'windows reserve their whole length first: large ones may be refused with ENOMEM',
    ...(isNever ? { remedy: { commands: [asRoot('sysctl -w vm.overcommit_memory=0', readIdentity(machine))] } } : {}),
  };
}
