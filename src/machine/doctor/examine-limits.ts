import { join } from 'node:path';

import { MAPPINGS_KEPT_FREE } from '../../base/limits.ts';
import { formatSize } from '../../base/sizes.ts';
import { readIdentity } from '../../diagnosis/accounts.ts';
import { asRoot } from '../../diagnosis/device-permission.ts';
import { readOptionalSystemFile } from '../../linux/proc/system-file.ts';
import type { Finding } from './finding.ts';
import type { Machine } from '../../linux/machine.ts';

/** The value of newer distributions. */
const MAP_COUNT_RAISED = 1_048_576;
/** Enough for a pool of frames for every stage of a pipeline, with one or two fences each. */
const FILE_COUNT_ENOUGH = 4096;
const FILE_COUNT_RAISED = 65_536;

/** The limits of this process on mappings and open files, and the buffers that they allow. */
export function examineLimits(machine: Machine, pageSizeBytes: number): Finding[] {
  return [...examineMapCount(machine, pageSizeBytes), ...examineFileCount(machine)];
}

function examineMapCount(machine: Machine, pageSizeBytes: number): Finding[] {
  const count = Number.parseInt(readOptionalSystemFile(join(machine.root, 'proc/sys/vm/max_map_count')) ?? '', 10);
  if (Number.isNaN(count)) return [];
  const scattered = Math.max(0, count - MAPPINGS_KEPT_FREE) * pageSizeBytes;
  const isEnough = count >= MAP_COUNT_RAISED;
  const tee = asRoot('tee /etc/sysctl.d/60-dmabuf.conf', readIdentity(machine));
  return [
    {
      id: 'map-count',
      topic: 'limits',
      status: isEnough ? 'ok' : 'note',
      found: `a process may have ${count} mappings (vm.max_map_count): windows of ${formatSize(scattered)} at the worst`,
      matters: 'a window takes a mapping for each contiguous run of its buffer, in the worst case for each page',
      ...(isEnough
        ? {}
        : {
            remedy: {
              commands: [
                asRoot(`sysctl -w vm.max_map_count=${MAP_COUNT_RAISED}`, readIdentity(machine)),
                `echo 'vm.max_map_count=${MAP_COUNT_RAISED}' | ${tee}`,
              ],
            },
          }),
    },
  ];
}

function examineFileCount(machine: Machine): Finding[] {
  const limits = readOptionalSystemFile(join(machine.root, 'proc/self/limits')) ?? '';
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/mu.exec(limits) ?? [];
  if (soft === undefined || hard === undefined) return [];
  const isEnough = soft === 'unlimited' || Number(soft) >= FILE_COUNT_ENOUGH;
  const raise = `prlimit --pid $$ --nofile=${FILE_COUNT_RAISED}:${FILE_COUNT_RAISED}`;
  return [
    {
      id: 'file-count',
      topic: 'limits',
      status: isEnough ? 'ok' : 'warning',
      found: `this process may have ${soft} open files (RLIMIT_NOFILE; at most ${hard})`,
      matters: 'each buffer of the kernel is an open file, and so is each fence that is exported',
      ...(isEnough
        ? {}
        : {
            remedy: {
              commands: [asRoot(raise, readIdentity(machine))],
              note: `for this shell; in a service, write LimitNOFILE=${FILE_COUNT_RAISED}`,
            },
          }),
    },
  ];
}
