import { constants } from 'node:os';
import { join } from 'node:path';

import { isDmaBufError } from '../../base/errors.ts';
import { kernelCalls } from '../calls/kernel-calls.ts';
import type { MemoryRange } from '../calls/memory-calls.ts';
import { isMissing, readOptionalSystemFile, readSystemFile } from './system-file.ts';
import { thisMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';

/** `vm.max_map_count` where it cannot be read: DEFAULT_MAX_MAP_COUNT (include/linux/mm.h). */
const MAX_MAP_COUNT_DEFAULT = 65_530;

/**
 * How many mappings one process may have (Documentation/admin-guide/sysctl/vm.rst).
 */
export function readMaxMapCount(machine: Machine = thisMachine): number {
  const text = readOptionalSystemFile(join(machine.root, 'proc/sys/vm/max_map_count'));
  return text === undefined ? MAX_MAP_COUNT_DEFAULT : Number.parseInt(text, 10);
}

/**
 * How many mappings this process has now; undefined where the kernel does not show them. Takes
 * about 0.6 µs per mapping.
 */
export function readMapCount(machine: Machine = thisMachine): number | undefined {
  const bytes = readMapsUnless(machine, isMissing);
  if (bytes === undefined) return undefined;
  let lines = 0;
  for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n', end + 1)) lines += 1;
  return lines;
}

/** Undefined for a refusal that does not matter. */
function readMapsUnless(machine: Machine, isNoMatter: (error: unknown) => boolean): Buffer | undefined {
  try {
    return readSystemFile(join(machine.root, 'proc/self/maps'));
  } catch (error) {
    if (isNoMatter(error)) return undefined;
    throw error;
  }
}

interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The file mappings of this process at the time of reading. V8 unmaps a SharedArrayBuffer by
 * itself, in the thread that held it last. Only these mappings show whether a thread can still read
 * and write it.
 */
export class FileMappings {
  /** By inode, each list by address. */
  readonly #ranges = new Map<number, AddressRange[]>();
  readonly #isRead: boolean;

  /** Reads them. Takes about 0.9 µs per mapping. */
  constructor(machine: Machine = thisMachine) {
    // Must work even where no descriptor is left: the result may allow giving some back.
    const text = readMapsUnless(machine, isDmaBufError)?.toString();
    this.#isRead = text !== undefined;
    if (text === undefined) return;
    // address-address perms offset device inode path (man 5 proc), sorted by address
    const pattern = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ ([1-9]\d*)/gmu;
    for (const [, start = '', end = '', inode] of text.matchAll(pattern)) {
      const ranges = this.#ranges.get(Number(inode)) ?? [];
      if (ranges.length === 0) this.#ranges.set(Number(inode), ranges);
      ranges.push({ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) });
    }
  }

  /**
   * True when any part of `range` was a mapping of the file `inode`. Where `/proc/self/maps` cannot
   * be read, true until the range's first page is unmapped: V8 unmaps a window as a whole.
   */
  hasFileWithin(range: MemoryRange, inode: number): boolean {
    if (!this.#isRead) return isMapped(range);
    const ranges = this.#ranges.get(inode) ?? [];
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle] as AddressRange).end <= range.address) low = middle + 1;
      else high = middle;
    }
    const found = ranges[low];
    return found !== undefined && found.start < range.address + range.length;
  }
}

/**
 * `mincore` refuses an unmapped range with ENOMEM (mm/mincore.c), and fills in one byte per page of
 * a mapped one.
 */
function isMapped({ address }: MemoryRange): boolean {
  return kernelCalls.mincore(address, 1, new Uint8Array(1)) !== -constants.errno.ENOMEM;
}
