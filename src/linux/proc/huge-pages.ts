import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { KiB } from '../../base/sizes.ts';
import type { Machine } from '../machine.ts';
import { readOptionalSystemFile } from './system-file.ts';

const FOLDER = 'sys/kernel/mm/transparent_hugepage';

/**
 * Modes of `shmem_enabled` that allow huge pages for shared memory, at least where `madvise` asks
 * for them.
 */
const ALLOWING: ReadonlySet<string> = new Set(['advise', 'within_size', 'always', 'force']);

/** Whether the kernel backs shared memory, such as memfds, with transparent huge pages. */
interface SharedHugePages {
  /** The possible page sizes, in bytes, the largest first. Empty: ordinary pages only. */
  readonly sizes: readonly number[];
  /** The reason: a clause. */
  readonly reason: string;
  /**
   * The file of the deciding setting, which would have to be changed. Undefined where no setting
   * helps.
   */
  readonly settingPath: string | undefined;
}

/** A size that the kernel supports, and its mode. */
interface SizeSetting {
  readonly bytes: number;
  readonly mode: string;
  /** The file that contains the mode. */
  readonly path: string;
}

/**
 * Reads the settings of `/sys/kernel/mm/transparent_hugepage` for shared memory: `shmem_enabled`,
 * and, since Linux 6.11, a file of that name for each size, which may say `inherit`
 * (Documentation/admin-guide/mm/transhuge.rst; mm/shmem.c, shmem_allowable_huge_orders).
 */
export function readSharedHugePages(machine: Machine): SharedHugePages {
  const switchedOff = readProcessSwitch(machine);
  if (switchedOff !== undefined) return switchedOff;
  const overallPath = `/${FOLDER}/shmem_enabled`;
  const overall = readMode(machine, overallPath);
  if (overall === undefined) {
    return { sizes: [], reason: 'this kernel has no transparent huge pages for shared memory', settingPath: undefined };
  }
  const settings = readSizes(machine, { bytes: 0, mode: overall, path: overallPath });
  const allowed = settings.filter(({ mode }) => ALLOWING.has(mode));
  const deciding = allowed[0] ?? settings[0];
  if (deciding === undefined)
    return { sizes: [], reason: 'the kernel names no huge page size', settingPath: undefined };
  return {
    sizes: allowed.map(({ bytes }) => bytes),
    reason: `${deciding.path} is "${deciding.mode}"`,
    settingPath: deciding.path,
  };
}

/**
 * A process, or its parent, may have switched huge pages off for it (man 2 prctl,
 * PR_SET_THP_DISABLE).
 */
function readProcessSwitch(machine: Machine): SharedHugePages | undefined {
  const status = readOptionalSystemFile(join(machine.root, 'proc/self/status')) ?? '';
  if (!/^THP_enabled:\s*0$/mu.test(status)) return undefined;
  return { sizes: [], reason: 'they are switched off for this process (PR_SET_THP_DISABLE)', settingPath: undefined };
}

/** The mode in brackets: `always within_size advise [never] deny force`. */
function readMode({ root }: Machine, path: string): string | undefined {
  return /\[(\w+)\]/u.exec(readOptionalSystemFile(join(root, path)) ?? '')?.[1];
}

/** Every size, the largest first. `inherit` is replaced by the overall setting. */
function readSizes(machine: Machine, overall: SizeSetting): SizeSetting[] {
  const largestBytes = Number(readOptionalSystemFile(join(machine.root, FOLDER, 'hpage_pmd_size')) ?? 0);
  const sizes = listSizes(machine);
  // "deny" forbids all sizes; "force" allows only those that inherit.
  const isForced = overall.mode === 'force';
  const settings = sizes.flatMap(({ bytes, mode, path }): SizeSetting[] => {
    if (mode === 'inherit' || overall.mode === 'deny') return [{ ...overall, bytes }];
    return [{ bytes, mode: isForced ? 'never' : mode, path }];
  });
  const isListed = settings.some(({ bytes }) => bytes === largestBytes);
  const ofOlderKernels = isListed || largestBytes === 0 ? [] : [{ ...overall, bytes: largestBytes }];
  return [...ofOlderKernels, ...settings.toSorted((one, other) => other.bytes - one.bytes)];
}

function listSizes(machine: Machine): SizeSetting[] {
  return listFolders(machine).flatMap((name) => {
    const kibibytes = /^hugepages-(\d+)kB$/u.exec(name)?.[1];
    const path = `/${FOLDER}/${name}/shmem_enabled`;
    const mode = kibibytes === undefined ? undefined : readMode(machine, path);
    return mode === undefined ? [] : [{ bytes: Number(kibibytes) * KiB, mode, path }];
  });
}

function listFolders({ root }: Machine): string[] {
  try {
    return readdirSync(join(root, FOLDER));
  } catch {
    return [];
  }
}
