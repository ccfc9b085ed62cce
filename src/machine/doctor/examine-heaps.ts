import { join } from 'node:path';

import type { HeapProbe } from '../../backend/list-heaps.ts';
import { HEAP_FOLDER } from '../../backend/kernel/heap.ts';
import type { OpenRefusal } from '../../backend/open-request.ts';
import { readGroups } from '../../diagnosis/accounts.ts';
import { readNodeOwnership } from '../../diagnosis/device-access.ts';
import { describeOwnership, groupMayOpen } from '../../diagnosis/device-permission.ts';
import { readOptionalSystemFile } from '../../linux/proc/system-file.ts';
import type { Finding } from './finding.ts';
import type { Machine } from '../../linux/machine.ts';

const NO_HEAPS_MATTER =
  'without them buffers come from udmabuf or from this process: contiguous ones for devices without an IOMMU from nowhere';
const REFUSED_MATTERS =
  'what a heap hands out is charged to no control group unless the kernel is told to, so systems leave heaps to root ' +
  'and to groups, and do not open them to the user at the screen (systemd issue 32662)';
const OPEN_MATTERS = 'its buffers can be imported by device drivers';

/**
 * Each heap of `/dev/dma_heap`, the users who may open it, and whether this process may. Also
 * whether the kernel charges the memory of heaps.
 */
export function examineHeaps(machine: Machine, probes: readonly HeapProbe[]): Finding[] {
  const heaps = probes.filter(({ backend }) => backend === 'kernel');
  const absence = heaps.find(({ isAbsence }) => isAbsence)?.refusal;
  if (absence !== undefined) return [missingHeaps(absence)];
  return [...heaps.map((heap) => examineHeap(heap, machine)), examineAccounting(machine)];
}

function missingHeaps({ code, reason, remedy }: OpenRefusal): Finding {
  return {
    id: 'heaps',
    topic: 'heaps',
    status: code === 'ENOENT' ? 'warning' : 'problem',
    found: reason,
    matters: NO_HEAPS_MATTER,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function examineHeap({ name, what, refusal }: HeapProbe, machine: Machine): Finding {
  const path = `${HEAP_FOLDER}/${name}`;
  const subject = { id: `heap:${name}`, topic: 'heaps' } as const;
  if (refusal === undefined) {
    const found = `${path} is open to this process: ${what}; ${describeWho(path, machine)}`;
    return { ...subject, status: 'ok', found, matters: OPEN_MATTERS };
  }
  const { reason, remedy } = refusal;
  return {
    ...subject,
    status: 'problem',
    found: `${reason} (${what})`,
    matters: REFUSED_MATTERS,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** `root:video with mode 0660: alice, bob`. */
function describeWho(path: string, machine: Machine): string {
  const node = readNodeOwnership(path, machine);
  if (node === undefined) return 'gone by now';
  const groups = readGroups(machine);
  const members = groupMayOpen(node) ? (groups.find(({ id }) => id === node.groupId)?.members ?? []) : [];
  const named = members.length === 0 ? '' : `, in that group: ${members.join(', ')}`;
  return `${describeOwnership(node, groups)}${named}`;
}

/**
 * The parameter came in 2026. Without it no memory of heaps is charged
 * (drivers/dma-buf/dma-heap.c).
 */
function examineAccounting(machine: Machine): Finding {
  const parameter = readOptionalSystemFile(join(machine.root, 'sys/module/dma_heap/parameters/mem_accounting'))?.trim();
  const subject = { id: 'heap-accounting', topic: 'heaps' } as const;
  const matters =
    'memory of heaps that is not charged stays outside the limits of control groups: nothing stops a leak but the ' +
    "machine's own end of memory, and then the kernel kills what it sees fit (SIGKILL)";
  if (parameter === 'Y') {
    return {
      ...subject,
      status: 'ok',
      found: 'memory of heaps is charged to the control group that allocates',
      matters,
    };
  }
  const found = 'memory of heaps is charged to no control group';
  if (parameter === undefined) return { ...subject, status: 'note', found: `${found}, as this kernel cannot`, matters };
  const note = 'write dma_heap.mem_accounting=1 on the command line of the kernel';
  return { ...subject, status: 'note', found, matters, remedy: { commands: [], note } };
}
