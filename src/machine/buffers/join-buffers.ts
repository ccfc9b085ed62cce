import type { Holder, ListedBuffer } from './buffer-snapshot.ts';
import type { KernelBuffer } from './kernel-buffer.ts';
import { matchWithoutInodes } from './match-without-inodes.ts';
import type { HeldDescriptor, HeldMapping, ProcessHoldings } from './process-holdings.ts';

/** The inputs of {@link joinBuffers}. */
interface BufferReadings {
  /** The kernel's list, read before the processes. */
  readonly before: readonly KernelBuffer[];
  readonly processes: readonly ProcessHoldings[];
  readonly ownPid: number;
  /** The kernel's list, read again after the processes. */
  readonly after: readonly KernelBuffer[];
}

/** A process, and its holds on one buffer. */
interface Hold {
  readonly process: ProcessHoldings;
  readonly descriptors: HeldDescriptor[];
  readonly mappings: HeldMapping[];
}

/** The holders of one buffer, and whether this process is one. */
interface Joined {
  readonly holds: readonly Hold[];
  readonly ownPid: number;
}

/**
 * Joins the kernel's list with the holdings of processes, in one pass over each. A buffer that no
 * process holds is listed only when it existed before and after the processes were read. One that
 * came or went meanwhile would look like the kernel's own.
 *
 * @returns the largest first
 */
export function joinBuffers({ before, processes, ownPid, after }: BufferReadings): ListedBuffer[] {
  const holds = collectHolds(processes);
  const listed = new Map<number | undefined, KernelBuffer>();
  for (const buffer of before) listed.set(buffer.inode, buffer);
  const inodesAfter = new Set(after.map(({ inode }) => inode));
  const anonymous = matchWithoutInodes({ before, after, descriptors: firstDescriptors(holds) });
  const unheld = before.filter(({ inode }) => inode !== undefined && !holds.has(inode) && inodesAfter.has(inode));
  const held = [...holds].map(([inode, ofBuffer]) =>
    joinBuffer(inode, listed.get(inode) ?? anonymous.matched.get(inode), { holds: ofBuffer, ownPid }),
  );
  return held
    .concat(
      [...unheld, ...anonymous.unheld].map((buffer) => joinBuffer(buffer.inode ?? null, buffer, { holds: [], ownPid })),
    )
    .toSorted((one, other) => other.size - one.size || (one.inode ?? 0) - (other.inode ?? 0));
}

/** By inode, each in the order of the process ids. */
function collectHolds(processes: readonly ProcessHoldings[]): Map<number, Hold[]> {
  const byInode = new Map<number, Hold[]>();
  const holdOf = (process: ProcessHoldings, inode: number): Hold => {
    const holds = byInode.get(inode) ?? [];
    if (holds.length === 0) byInode.set(inode, holds);
    const last = holds.at(-1);
    if (last?.process === process) return last;
    const hold = { process, descriptors: [], mappings: [] };
    holds.push(hold);
    return hold;
  };
  for (const process of processes.toSorted((one, other) => one.pid - other.pid)) {
    for (const descriptor of process.descriptors) holdOf(process, descriptor.inode).descriptors.push(descriptor);
    for (const mapping of process.mappings) holdOf(process, mapping.inode).mappings.push(mapping);
  }
  return byInode;
}

/** One descriptor of each buffer that has one. */
function firstDescriptors(holds: ReadonlyMap<number, readonly Hold[]>): HeldDescriptor[] {
  return [...holds.values()].flatMap((ofBuffer) => firstDescriptor(ofBuffer) ?? []);
}

function firstDescriptor(holds: readonly Hold[]): HeldDescriptor | undefined {
  return holds.find(({ descriptors }) => descriptors.length > 0)?.descriptors[0];
}

function joinBuffer(inode: number | null, listed: KernelBuffer | undefined, { holds, ownPid }: Joined): ListedBuffer {
  const descriptor = firstDescriptor(holds);
  const known = listed ?? descriptor;
  const mappings = holds.flatMap((hold) => hold.mappings);
  const size = known?.size ?? largestSize(mappings);
  const references = listed?.references ?? descriptor?.references ?? null;
  const seen = holds.reduce((sum, hold) => sum + hold.descriptors.length + hold.mappings.length, 0);
  return {
    inode,
    size,
    sizeIsMinimum: known === undefined && mappings.every((mapping) => mapping.sizeIsMinimum),
    exporter: known?.exporter ?? null,
    name: descriptor?.name ?? listed?.name ?? mappings[0]?.name ?? null,
    references,
    // Both change between the readings.
    otherReferences: references === null ? null : Math.max(0, references - seen),
    devices: listed?.devices ?? null,
    holders: holds.map((hold) => toHolder(hold, size / holds.length, ownPid)),
  };
}

/** Known sizes are equal, and no mapping reaches past a size. */
function largestSize(mappings: readonly HeldMapping[]): number {
  return mappings.reduce((largest, { size }) => Math.max(largest, size), 0);
}

function toHolder({ process, descriptors, mappings }: Hold, shareBytes: number, ownPid: number): Holder {
  const { pid, comm } = process;
  const sharedWith = new Set([
    ...(descriptors.length === 0 ? [] : (process.descriptorsSharedWith ?? [])),
    ...(mappings.length === 0 ? [] : (process.mappingsSharedWith ?? [])),
  ]);
  return {
    pid,
    comm,
    isSelf: pid === ownPid || sharedWith.has(ownPid),
    fds: descriptors.map(({ fd }) => fd).toSorted((one, other) => one - other),
    mappingCount: mappings.length,
    shareBytes,
    ...(sharedWith.size === 0 ? {} : { sharedWith: [...sharedWith] }),
  };
}
