import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

import { readIdentity } from '../../linux/accounts.ts';
import { readOptionalSystemFile } from '../../linux/system-file.ts';
import type { Gap } from './gap.ts';
import { readProcessHoldings } from './process-holdings.ts';
import type { ProcessHoldings } from './process-holdings.ts';
import { readOrRefusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** What the processes of this machine hold. */
interface ProcessList {
  /** Those that could be read, if only in part, also the ones that hold nothing. Threads of the kernel are none. */
  readonly processes: readonly ProcessHoldings[];
  /** This process. */
  readonly ownPid: number;
  readonly unreadableCount: number;
  readonly gaps: readonly Gap[];
}

/** The first PID namespace (`PROC_PID_INIT_INO` in include/linux/proc_ns.h): whoever is in it sees every process. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';
/** Of include/uapi/linux/capability.h: looks into any process, and past `hidepid`. */
const CAP_SYS_PTRACE = 19n;

/** Reads `/proc`. Processes that end meanwhile are left out; those that may not be read are counted. `root`: where `/proc` is. */
export function readProcessList(root: string): ProcessList {
  const proc = join(root, 'proc');
  const pids = readdirSync(proc).filter((name) => /^[1-9]\d*$/u.test(name));
  const readings = pids.map((pid) => readProcessHoldings(join(proc, pid), Number(pid)));
  const processes = readings.filter((reading) => typeof reading === 'object').filter(isOfUsers);
  const unreadableCount = readings.filter((reading) => reading === 'forbidden' || isCutShort(reading)).length;
  const gaps = [
    ...gapOfUnreadable(root, unreadableCount),
    ...gapOfHidden(root),
    ...gapOfNamespace(root),
    ...gapOfIndistinct(processes),
  ];
  return { processes, ownPid: readOwnPid(root), unreadableCount, gaps };
}

/** As `/proc` counts, which may be mounted for another PID namespace. NaN where it does not have this process. */
function readOwnPid(root: string): number {
  return Number.parseInt(readOptionalSystemFile(join(root, 'proc/self/stat')) ?? '', 10);
}

function isOfUsers(process: ProcessHoldings): boolean {
  return !process.isKernelThread;
}

function isCutShort(reading: ProcessHoldings | Refusal): boolean {
  return typeof reading === 'object' && !reading.isWhole;
}

function gapOfUnreadable(root: string, count: number): Gap[] {
  if (count === 0) return [];
  const what = `What ${count === 1 ? '1 process holds' : `${count} processes hold`} could not be read, or not all of it`;
  return [{ kind: 'processes', what, count, remedy: describeAccess(root) }];
}

function gapOfHidden(root: string): Gap[] {
  const mounts = readOptionalSystemFile(join(root, 'proc/self/mountinfo')) ?? '';
  const mount = mounts.split('\n').find((line) => / \/proc .* - proc /u.test(line)) ?? '';
  if (!/[ ,]hidepid=(?:2|4|invisible|ptraceable)(?:,|$)/u.test(mount) || seesEveryProcess(root)) return [];
  const what = 'Processes of other users are hidden (/proc is mounted with hidepid), and what they hold';
  return [{ kind: 'hidden-processes', what, count: null, remedy: describeAccess(root) }];
}

function gapOfNamespace(root: string): Gap[] {
  const namespace = readLink(join(root, 'proc/self/ns/pid'));
  if (namespace === undefined || namespace === FIRST_PID_NAMESPACE) return [];
  const what = 'Processes outside this PID namespace (container) cannot be seen, nor what they hold';
  return [
    { kind: 'namespace', what, count: null, remedy: 'run on the host, or in a container started with --pid=host' },
  ];
}

function gapOfIndistinct(processes: readonly ProcessHoldings[]): Gap[] {
  const count = processes.reduce((sum, { indistinctCount }) => sum + indistinctCount, 0);
  if (count === 0) return [];
  const what = `${count} descriptors and mappings of dma-bufs are not listed: this kernel gives all of them one inode`;
  return [{ kind: 'indistinct-buffers', what, count, remedy: 'use Linux 5.3 or later' }];
}

function describeAccess(root: string): string {
  if (readIdentity(root).userId !== 0) return 'run as root';
  return seesEveryProcess(root)
    ? 'none is known for root: a user namespace or a security module protects them'
    : 'run with CAP_SYS_PTRACE (in a container: start it with --cap-add SYS_PTRACE)';
}

function seesEveryProcess(root: string): boolean {
  const status = readOptionalSystemFile(join(root, 'proc/self/status')) ?? '';
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/mu.exec(status)?.[1] ?? '0'}`);
  return ((capabilities >> CAP_SYS_PTRACE) & 1n) === 1n;
}

function readLink(path: string): string | undefined {
  const link = readOrRefusal(() => readlinkSync(path));
  return 'value' in link ? link.value : undefined;
}
