/** What this process and its children hold of buffers, by the kernel's own count. */

import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';

/** What a workload without a leak holds no more of at its end than before. */
export interface FamilyHoldings {
  readonly descriptorCount: number;
  /** Of memfds. */
  readonly mappingCount: number;
  /** Of memfds, in memory. */
  readonly committedBytes: number;
}

/** The unit of `st_blocks` (man 3 stat). */
const BLOCK_BYTES = 512;
const MEMFD = '/memfd:dmabuf';

export function readFamilyHoldings(): FamilyHoldings {
  let descriptorCount = 0;
  let mappingCount = 0;
  const bytesOfInodes = new Map<number, number>();
  for (const pid of [String(process.pid), ...childPids()]) {
    const descriptors = unlessGone(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
    descriptorCount += descriptors.length;
    for (const descriptor of descriptors) addFile(`/proc/${pid}/fd/${descriptor}`, bytesOfInodes);
    mappingCount += unlessGone(() => readFileSync(`/proc/${pid}/maps`, 'utf8').split(MEMFD).length - 1) ?? 0;
  }
  const committedBytes = [...bytesOfInodes.values()].reduce((all, bytes) => all + bytes, 0);
  return { descriptorCount, mappingCount, committedBytes };
}

function addFile(path: string, bytesOfInodes: Map<number, number>): void {
  unlessGone(() => {
    if (!readlinkSync(path).startsWith(MEMFD)) return;
    const { ino, blocks } = statSync(path);
    bytesOfInodes.set(ino, blocks * BLOCK_BYTES);
  });
}

/** Node starts processes from its main thread. */
function childPids(): string[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  return children.split(' ').filter((pid) => pid !== '');
}

/** A process may end, and a descriptor be closed, while they are looked at. */
function unlessGone<Found>(look: () => Found): Found | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
