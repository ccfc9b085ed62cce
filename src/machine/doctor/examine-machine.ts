import { listHeapsWithin } from '../../backend/detect.ts';
import { readGroups, readIdentity } from '../../linux/accounts.ts';
import { detectContainer } from '../../linux/container.ts';
import { readKernelRelease } from '../../linux/kernel-config.ts';
import { SystemCalls } from '../../linux/system-calls.ts';
import { chooseBackend } from './choose-backend.ts';
import type { BackendChoice } from './choose-backend.ts';
import { examineHeaps } from './examine-heaps.ts';
import { examineKernel } from './examine-kernel.ts';
import { examineLimits } from './examine-limits.ts';
import { examineMemory } from './examine-memory.ts';
import { examineTracing } from './examine-tracing.ts';
import { examineUdmabuf } from './examine-udmabuf.ts';
import type { Finding } from './finding.ts';

/** What was examined. */
interface MachineSummary {
  readonly kernelRelease: string;
  readonly architecture: string;
  readonly pageSizeBytes: number;
  readonly userId: number;
  readonly userName: string | null;
  /** The groups that this session has, by name where they have one. */
  readonly groups: readonly string[];
  /** The engine of the container around this process. */
  readonly container: string | null;
}

/** All that the doctor found. */
export interface MachineReport {
  readonly findings: readonly Finding[];
  readonly choice: BackendChoice;
  readonly machine: MachineSummary;
}

/** What most programs open. */
const USUAL_HEAP = 'system';

/**
 * Examines what dma-bufs need of a machine, for the user that asks. Opens the devices, allocates nothing, changes nothing.
 *
 * @param root where `/dev`, `/etc`, `/proc`, `/run`, `/sys`, `/boot` and `/lib` are found
 * @throws {DmaBufError} where `/proc` is not mounted
 */
export function examineMachine(root = '/'): MachineReport {
  const machine = summarize(root);
  return {
    findings: [
      ...examineHeaps(root),
      ...examineUdmabuf(root),
      ...examineMemory(root),
      ...examineLimits(root, machine.pageSizeBytes),
      ...examineTracing(root),
      ...examineKernel(root),
      ...examineSurroundings(machine),
    ],
    choice: chooseBackend(USUAL_HEAP, listHeapsWithin(root)),
    machine,
  };
}

function summarize(root: string): MachineSummary {
  const { userId, userName, groupIds } = readIdentity(root);
  const groups = readGroups(root);
  return {
    kernelRelease: readKernelRelease(root),
    architecture: process.arch,
    pageSizeBytes: new SystemCalls().pageSize(),
    userId,
    userName: userName ?? null,
    groups: groupIds.map((id) => groups.find((group) => group.id === id)?.name ?? String(id)),
    container: detectContainer(root)?.engine ?? null,
  };
}

function examineSurroundings({ container, groups, userName, userId }: MachineSummary): Finding[] {
  const user: Finding = {
    id: 'user',
    topic: 'machine',
    status: 'ok',
    found: `this process runs as ${userName ?? `user ${userId}`}, with the groups ${groups.join(', ')}`,
    matters: 'groups that a user joins count from the next login on',
  };
  if (container === null) return [user];
  const inside: Finding = {
    id: 'container',
    topic: 'machine',
    status: 'note',
    found: `this is a container (${container})`,
    matters:
      'it has the devices and the groups that it was started with, and the kernel, the limits and the rules of its host',
  };
  return [user, inside];
}
