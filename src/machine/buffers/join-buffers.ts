import type { Holder, ListedBuffer } from './buffer-snapshot.ts';
import type { KernelBuffer } from './kernel-buffer.ts';
import type { HeldDescriptor, HeldMapping, ProcessHoldings } from './process-holdings.ts';

/** What {@link joinBuffers} joins. */
interface BufferReadings {
  /** The kernel's list, read before the processes. */
  readonly before: readonly KernelBuffer[];
  readonly processes: readonly ProcessHoldings[];
  readonly ownPid: number;
  /** Inodes of the kernel's list, read again after the processes. */
  readonly inodesAfter: ReadonlySet<number>;
}

/** A process with what it holds of one buffer. */
interface Hold {
  readonly process: ProcessHoldings;
  readonly descriptors: HeldDescriptor[];
  readonly mappings: HeldMapping[];
}

/**
 * Joins the kernel's list with what processes hold. A buffer that no process holds is listed only when it was there before and
 * after the processes were read: one that came or went meanwhile would look like the kernel's own.
 *
 * @returns the largest first
 */
export function joinBuffers({ before, processes, ownPid, inodesAfter }: BufferReadings): ListedBuffer[] {
  const holds = collectHolds(processes);
  const listed = new Map(before.map((buffer) => [buffer.inode, buffer]));
  const unheld = before.filter(({ inode }) => !holds.has(inode) && inodesAfter.has(inode));
  const inodes = [...holds.keys(), ...unheld.map(({ inode }) => inode)];
  return inodes
    .map((inode) => joinBuffer(inode, listed.get(inode), { holds: holds.get(inode) ?? [], ownPid }))
    .toSorted((one, other) => other.size - one.size || one.inode - other.inode);
}

/** By inode, each in the order of the process ids. */
function collectHolds(processes: readonly ProcessHoldings[]): Map<number, Hold[]> {
  const byInode = new Map<number, Hold[]>();
  const holdOf = (process: ProcessHoldings, inode: number): Hold => {
    const holds = byInode.get(inode) ?? [];
    byInode.set(inode, holds);
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

function joinBuffer(
  inode: number,
  listed: KernelBuffer | undefined,
  { holds, ownPid }: { readonly holds: readonly Hold[]; readonly ownPid: number },
): ListedBuffer {
  const [descriptor] = holds.flatMap(({ descriptors }) => descriptors);
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
    // Both change between one reading and the other.
    otherReferences: references === null ? null : Math.max(0, references - seen),
    devices: listed?.devices ?? null,
    holders: holds.map((hold) => toHolder(hold, size / holds.length, ownPid)),
  };
}

/** Sizes that are known are equal, and no mapping ends behind them. */
function largestSize(mappings: readonly HeldMapping[]): number {
  return mappings.reduce((largest, { size }) => Math.max(largest, size), 0);
}

function toHolder({ process, descriptors, mappings }: Hold, shareBytes: number, ownPid: number): Holder {
  return {
    pid: process.pid,
    comm: process.comm,
    isSelf: process.pid === ownPid,
    fds: descriptors.map(({ fd }) => fd).toSorted((one, other) => one - other),
    mappingCount: mappings.length,
    shareBytes,
  };
}
