import { probeHeaps } from '../../backend/list-heaps.ts';
import { readGroups, readIdentity } from '../../diagnosis/accounts.ts';
import { detectContainer } from '../../diagnosis/container.ts';
import { readKernelRelease } from '../../linux/proc/kernel-config.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import { chooseBackend } from './choose-backend.ts';
import type { BackendChoice } from './choose-backend.ts';
import { examineHugePages } from './examine-huge-pages.ts';
import { examineHeaps } from './examine-heaps.ts';
import { examineKernel } from './examine-kernel.ts';
import { examineLimits } from './examine-limits.ts';
import { examineMemory } from './examine-memory.ts';
import { examineTracing } from './examine-tracing.ts';
import { examineUdmabuf } from './examine-udmabuf.ts';
import type { Finding } from './finding.ts';
import { thisMachine } from '../../linux/machine.ts';
import type { Machine } from '../../linux/machine.ts';

/** The examined machine. */
interface MachineSummary {
  readonly kernelRelease: string;
  readonly architecture: string;
  readonly pageSizeBytes: number;
  readonly userId: number;
  readonly userName: string | null;
  /** The groups of this session, by name where they have one. */
  readonly groups: readonly string[];
  /** The engine of the container around this process. */
  readonly container: string | null;
}

/** All findings of the doctor. */
export interface MachineReport {
  readonly findings: readonly Finding[];
  readonly choice: BackendChoice;
  readonly machine: MachineSummary;
}

/** The heap that most programs open. */
const USUAL_HEAP = 'system';

/**
 * Examines a machine's support for dma-bufs, for the current user. Opens the devices and heaps for
 * a moment, takes 16 MiB for a measurement, and changes nothing.
 *
 * @throws {DmaBufError} where `/proc` is not mounted
 */
export function examineMachine(machine: Machine = thisMachine): MachineReport {
  const summary = summarize(machine);
  const probes = probeHeaps(machine);
  return {
    findings: [
      ...examineHeaps(machine, probes),
      ...examineUdmabuf(machine, probes),
      ...examineMemory(machine),
      ...examineHugePages(machine),
      ...examineLimits(machine, summary.pageSizeBytes),
      ...examineTracing(machine),
      ...examineKernel(machine),
      ...examineContainer(summary),
    ],
    choice: chooseBackend(USUAL_HEAP, machine, probes),
    machine: summary,
  };
}

function summarize(machine: Machine): MachineSummary {
  const { userId, userName, groupIds } = readIdentity(machine);
  const groups = readGroups(machine);
  return {
    kernelRelease: readKernelRelease(machine),
    architecture: process.arch,
    pageSizeBytes: new MemoryCalls().pageSize(),
    userId,
    userName: userName ?? null,
    groups: groupIds.map((id) => groups.find((group) => group.id === id)?.name ?? String(id)),
    container: detectContainer(machine)?.engine ?? null,
  };
}

function examineContainer({ container, groups, userName, userId }: MachineSummary): Finding[] {
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
