import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { after, before } from 'node:test';

import { collectGarbageUntil } from './collect-garbage.ts';

/** What this process holds of memfds and dma-bufs: descriptors, and mappings by inode. */
export function heldMemory(): { fds: string[]; mappingCount: number } {
  const fds = readdirSync('/proc/self/fd').map(linkOf).filter(isBufferFile);
  const mappings = readFileSync('/proc/self/maps', 'utf8').split('\n').filter(isBufferFile);
  return { fds, mappingCount: mappings.length };
}

/** After all tests of the file: nothing may be held that was not held before. */
export function checkLeaksAfterFile(): void {
  // Bun does not collect all that is unreachable, and an arena is there as long as one of its
  // windows is.
  if ('bun' in process.versions) return;
  let held = heldMemory();
  before(() => {
    held = heldMemory();
  });
  after(async () => {
    await collectGarbageUntil(
      () => heldMemory().mappingCount <= held.mappingCount && heldMemory().fds.length <= held.fds.length,
    );
    assert.deepEqual(heldMemory(), held, 'The tests of this file left descriptors or mappings behind');
  });
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

function isBufferFile(line: string): boolean {
  return line.includes('/memfd:dmabuf') || line.includes('/dmabuf:');
}
