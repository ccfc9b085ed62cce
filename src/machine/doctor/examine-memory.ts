import { join } from 'node:path';

import { formatSize } from '../../base/sizes.ts';
import { readIdentity } from '../../linux/accounts.ts';
import { asRoot } from '../../linux/device-permission.ts';
import { readMemoryRoom } from '../../linux/memory-room.ts';
import { readOptionalSystemFile } from '../../linux/system-file.ts';
import type { Finding } from './finding.ts';

const NEVER_OVERCOMMIT = '2';

/** What buffers may take, and what happens past it. */
export function examineMemory(root: string): Finding[] {
  return [examineRoom(root), examineOvercommit(root), ONLY_KILLED];
}

/** True of every machine, and found out too late by most programs. */
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

function examineRoom(root: string): Finding {
  const { bytes, limitedBy } = readMemoryRoom(root);
  const isMachine = limitedBy === 'MemAvailable';
  return {
    id: 'memory-room',
    topic: 'memory',
    status: isMachine ? 'ok' : 'note',
    found: `${formatSize(bytes)} of memory can be had, limited by ${isMachine ? 'what is available' : `the ${limitedBy}`}`,
    matters: 'the embedded heap takes no more, and asks again each time before it takes any',
    ...(isMachine ? {} : { remedy: { commands: [], note: MORE_FOR_GROUP } }),
  };
}

const MORE_FOR_GROUP = 'let the group have more: memory.max, MemoryMax= in a service, --memory of a container';

function examineOvercommit(root: string): Finding {
  const mode = readOptionalSystemFile(join(root, 'proc/sys/vm/overcommit_memory'))?.trim();
  const isNever = mode === NEVER_OVERCOMMIT;
  return {
    id: 'memory-overcommit',
    topic: 'memory',
    status: isNever ? 'warning' : 'ok',
    found: isNever
      ? 'address space counts as memory (vm.overcommit_memory=2)'
      : 'address space may be reserved without memory behind it (vm.overcommit_memory)',
    matters: 'windows reserve their whole length first: large ones may be refused with ENOMEM',
    ...(isNever ? { remedy: { commands: [asRoot('sysctl -w vm.overcommit_memory=0', readIdentity(root))] } } : {}),
  };
}
