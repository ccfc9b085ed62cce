import type { SharedResource } from '../../linux/calls/kcmp-calls.ts';
import type { ProcessHoldings } from './process-holdings.ts';

/**
 * Compares a resource of two processes: 0 for the same, otherwise their order; undefined where it
 * is unknown.
 */
export type CompareProcesses = (pid: number, otherPid: number, resource: SharedResource) => number | undefined;

/** Processes in which nothing is counted twice. */
interface HoldingsOnce {
  readonly processes: readonly ProcessHoldings[];
  /**
   * Processes with the same holdings as another, where the kernel does not show whether they share
   * them.
   */
  readonly uncertainCount: number;
}

/** Processes that share one resource, by process id. */
interface SharingGroups {
  readonly groups: readonly (readonly ProcessHoldings[])[];
  readonly unanswered: readonly ProcessHoldings[];
}

/**
 * Counts a resource that several processes share only at the first of them, by process id. One
 * descriptor table or one memory is one hold, whose references the kernel counts once.
 */
export function countSharedOnce(processes: readonly ProcessHoldings[], compare: CompareProcesses): HoldingsOnce {
  const sorted = processes.toSorted((one, other) => one.pid - other.pid);
  const descriptors = findGroups(sorted.filter(hasDescriptors), 'descriptors', compare);
  const memory = findGroups(sorted.filter(hasMappings), 'memory', compare);
  const uncertain = [
    ...findAlike(sorted, descriptors.unanswered, describeDescriptors),
    ...findAlike(sorted, memory.unanswered, describeMappings),
  ];
  const [ofDescriptors, ofMemory] = [sharersOf(descriptors), sharersOf(memory)];
  return {
    processes: sorted.map((process) => countOnce(process, ofDescriptors.get(process.pid), ofMemory.get(process.pid))),
    uncertainCount: new Set(uncertain).size,
  };
}

/**
 * The members of each group by its first process, and an empty list for the others, whose hold is
 * counted there.
 */
function sharersOf({ groups }: SharingGroups): Map<number, readonly number[]> {
  const sharers = new Map<number, readonly number[]>();
  for (const group of groups) {
    const [first, ...others] = group.map(({ pid }) => pid);
    for (const pid of others) sharers.set(pid, []);
    if (first !== undefined) sharers.set(first, others);
  }
  return sharers;
}

function countOnce(
  process: ProcessHoldings,
  descriptorSharers: readonly number[] | undefined,
  memorySharers: readonly number[] | undefined,
): ProcessHoldings {
  return {
    ...process,
    ...(descriptorSharers?.length === 0 ? { descriptors: [] } : {}),
    ...(descriptorSharers === undefined || descriptorSharers.length === 0
      ? {}
      : { descriptorsSharedWith: descriptorSharers }),
    ...(memorySharers?.length === 0 ? { mappings: [] } : {}),
    ...(memorySharers === undefined || memorySharers.length === 0 ? {} : { mappingsSharedWith: memorySharers }),
  };
}

/**
 * Sorted by the kernel's order, processes that share are adjacent. That takes far fewer comparisons
 * than all pairs.
 */
function findGroups(
  holders: readonly ProcessHoldings[],
  resource: SharedResource,
  compare: CompareProcesses,
): SharingGroups {
  if (holders.length < 2) return { groups: [], unanswered: [] };
  const isAnswered = ({ pid }: ProcessHoldings): boolean => compare(pid, pid, resource) === 0;
  const answered = new Set(holders.filter(isAnswered));
  const ordered = [...answered].toSorted((one, other) => compare(one.pid, other.pid, resource) ?? one.pid - other.pid);
  const groups: ProcessHoldings[][] = [];
  for (const process of ordered) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (last !== undefined && compare(last.pid, process.pid, resource) === 0) group?.push(process);
    else groups.push([process]);
  }
  return {
    groups: groups
      .filter(({ length }) => length > 1)
      .map((group) => group.toSorted((one, other) => one.pid - other.pid)),
    unanswered: holders.filter((process) => !answered.has(process)),
  };
}

/** Process ids with the same holdings as another, where one of them was not compared. */
function findAlike(
  processes: readonly ProcessHoldings[],
  unanswered: readonly ProcessHoldings[],
  describe: (process: ProcessHoldings) => string,
): number[] {
  if (unanswered.length === 0) return [];
  const doubtful = new Set(unanswered.map(describe));
  const pidsByHold = new Map<string, number[]>();
  for (const process of processes) {
    const hold = describe(process);
    if (hold === '' || !doubtful.has(hold)) continue;
    const pids = pidsByHold.get(hold) ?? [];
    pidsByHold.set(hold, pids);
    pids.push(process.pid);
  }
  return [...pidsByHold.values()].filter(({ length }) => length > 1).flat();
}

function describeDescriptors({ descriptors }: ProcessHoldings): string {
  return descriptors.map(({ fd, inode }) => `${fd}:${inode}`).join(' ');
}

function describeMappings({ mappings }: ProcessHoldings): string {
  return mappings.map(({ inode, size }) => `${inode}:${size}`).join(' ');
}

function hasDescriptors({ descriptors }: ProcessHoldings): boolean {
  return descriptors.length > 0;
}

function hasMappings({ mappings }: ProcessHoldings): boolean {
  return mappings.length > 0;
}
