import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { meaningOfHeapName } from '../../backend/heap-names.ts';
import { errnoName } from '../../base/errors.ts';
import { readGroups } from '../../linux/accounts.ts';
import { diagnoseRefusedDevice, readNodeOwnership } from '../../linux/device-access.ts';
import { describeOwnership, groupMayOpen } from '../../linux/device-permission.ts';
import { readOptionalSystemFile } from '../../linux/system-file.ts';
import type { Finding } from './finding.ts';
import { tryOpen } from './try-open.ts';

const HEAP_FOLDER = '/dev/dma_heap';

const NO_HEAPS_MATTER =
  'without them buffers come from udmabuf or from this process: contiguous ones for devices without an IOMMU from nowhere';
const REFUSED_MATTERS =
  'what a heap hands out is charged to no control group unless the kernel is told to, so systems leave heaps to root ' +
  'and to groups, and do not open them to whoever sits at the screen (systemd issue 32662)';
const OPEN_MATTERS = 'its buffers can be imported by device drivers';

/** Each heap of `/dev/dma_heap`, who may open it, and whether this process may; and whether heaps are charged for. */
export function examineHeaps(root: string): Finding[] {
  const names = readHeapNames(root);
  if (!Array.isArray(names)) return [names];
  return [...names.map((name) => examineHeap(name, root)), examineAccounting(root)];
}

function readHeapNames(root: string): string[] | Finding {
  try {
    const names = readdirSync(join(root, HEAP_FOLDER));
    return names.length > 0 ? names.toSorted() : missingHeaps('ENOENT', root);
  } catch (error) {
    return missingHeaps(errnoName(-((error as NodeJS.ErrnoException).errno ?? 0)), root);
  }
}

function missingHeaps(code: ReturnType<typeof errnoName>, root: string): Finding {
  const isMissing = code === 'ENOENT';
  const { reason, remedy } = diagnoseRefusedDevice(isMissing ? `${HEAP_FOLDER}/system` : HEAP_FOLDER, code, root);
  return {
    id: 'heaps',
    topic: 'heaps',
    status: isMissing ? 'warning' : 'problem',
    found: reason,
    matters: NO_HEAPS_MATTER,
    remedy,
  };
}

function examineHeap(name: string, root: string): Finding {
  const path = `${HEAP_FOLDER}/${name}`;
  const description = describeHeap(name);
  const subject = { id: `heap:${name}`, topic: 'heaps' } as const;
  const code = tryOpen(join(root, path));
  if (code === undefined) {
    const found = `${path} is open to this process: ${description}; ${describeWho(path, root)}`;
    return { ...subject, status: 'ok', found, matters: OPEN_MATTERS };
  }
  const { reason, remedy } = diagnoseRefusedDevice(path, code, root);
  return { ...subject, status: 'problem', found: `${reason} (${description})`, matters: REFUSED_MATTERS, remedy };
}

/** What the name says of the memory. Rockchip's names tell the zone as well, and vendors' which heaps are for protected content. */
function describeHeap(name: string): string {
  return [
    meaningOfHeapName(name).what,
    ...(name.includes('dma32') ? ['below 4 GiB'] : []),
    ...(/protected|secure|restricted/u.test(name) ? ['closed to the CPU'] : []),
  ].join(', ');
}

/** `root:video with mode 0660: alice, bob`. */
function describeWho(path: string, root: string): string {
  const node = readNodeOwnership(path, root);
  if (node === undefined) return 'gone by now';
  const groups = readGroups(root);
  const members = groupMayOpen(node) ? (groups.find(({ id }) => id === node.groupId)?.members ?? []) : [];
  const named = members.length === 0 ? '' : `, in that group: ${members.join(', ')}`;
  return `${describeOwnership(node, groups)}${named}`;
}

/** The parameter came in 2026; without it nothing is charged (drivers/dma-buf/dma-heap.c). */
function examineAccounting(root: string): Finding {
  const parameter = readOptionalSystemFile(join(root, 'sys/module/dma_heap/parameters/mem_accounting'))?.trim();
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
