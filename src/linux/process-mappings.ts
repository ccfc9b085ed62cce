import { join } from 'node:path';

import type { MemoryStretch } from './system-calls.ts';
import { readOptionalSystemFile, readSystemFile } from './system-file.ts';

/** `vm.max_map_count` where it cannot be read: DEFAULT_MAX_MAP_COUNT (include/linux/mm.h). */
const MAX_MAP_COUNT_DEFAULT = 65_530;

/** How many mappings one process may have (Documentation/admin-guide/sysctl/vm.rst). `root`: where `/proc` is found. */
export function readMaxMapCount(root = '/'): number {
  const text = readOptionalSystemFile(join(root, 'proc/sys/vm/max_map_count'));
  return text === undefined ? MAX_MAP_COUNT_DEFAULT : Number.parseInt(text, 10);
}

/** How many mappings this process has now. Takes time: about 0.6 µs a mapping. */
export function readMapCount(root = '/'): number {
  const bytes = readSystemFile(join(root, 'proc/self/maps'));
  let lines = 0;
  for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n', end + 1)) lines += 1;
  return lines;
}

interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Where this process had files mapped when it was read. V8 unmaps a SharedArrayBuffer behind our back, in whichever thread held
 * it last: only here can be seen whether somebody may still read and write it.
 */
export class FileMappings {
  /** By inode, each list by address. */
  readonly #ranges = new Map<number, AddressRange[]>();

  /** Reads them. Takes about 0.9 µs a mapping. `root`: where `/proc` is found. */
  constructor(root = '/') {
    const text = readSystemFile(join(root, 'proc/self/maps')).toString();
    // address-address perms offset device inode path (man 5 proc), by address
    const pattern = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ ([1-9]\d*)/gmu;
    for (const [, start = '', end = '', inode] of text.matchAll(pattern)) {
      const ranges = this.#ranges.get(Number(inode)) ?? [];
      if (ranges.length === 0) this.#ranges.set(Number(inode), ranges);
      ranges.push({ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) });
    }
  }

  /** True when any part of `stretch` was a mapping of the file `inode`. */
  hasFileWithin(stretch: MemoryStretch, inode: number): boolean {
    const ranges = this.#ranges.get(inode) ?? [];
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle] as AddressRange).end <= stretch.address) low = middle + 1;
      else high = middle;
    }
    const found = ranges[low];
    return found !== undefined && found.start < stretch.address + stretch.length;
  }
}
