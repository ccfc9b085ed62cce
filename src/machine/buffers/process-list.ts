import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

import { readIdentity } from '../../diagnosis/accounts.ts';
import { asRoot } from '../../diagnosis/device-permission.ts';
import { mayTraceProcesses, processAccessRemedy } from '../../diagnosis/process-access.ts';
import { KcmpCalls } from '../../linux/calls/kcmp-calls.ts';
import { readOptionalSystemFile } from '../../linux/proc/system-file.ts';
import { SystemTextReader } from '../../linux/proc/system-text-reader.ts';
import type { Gap } from './gap.ts';
import { readProcessHoldings } from './process-holdings.ts';
import type { ProcessHoldings } from './process-holdings.ts';
import { readOrRefusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { countSharedOnce } from './shared-holdings.ts';
import type { CompareProcesses } from './shared-holdings.ts';
import type { Machine } from '../../linux/machine.ts';

/** The holdings of the processes of this machine. */
interface ProcessList {
  /**
   * Those that could be read, at least in part, including those that hold nothing. Kernel threads
   * are excluded.
   */
  readonly processes: readonly ProcessHoldings[];
  /** This process. */
  readonly ownPid: number;
  readonly unreadableCount: number;
  readonly gaps: readonly Gap[];
}

/**
 * The initial PID namespace (`PROC_PID_INIT_INO` in include/linux/proc_ns.h), in which every
 * process is visible.
 */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** The progress through `/proc`. */
export interface ReadingProgress {
  readonly doneCount: number;
  readonly totalCount: number;
}

/** The source of {@link readProcessesInSteps}, and its comparison of processes. */
interface ProcessListOptions {
  /** Where `/proc` is found. */
  readonly machine: Machine;
  /** Default: asks the kernel, if `/proc` is that of this process. */
  readonly compare?: CompareProcesses | undefined;
}

/** As {@link readProcessesInSteps}, without steps. */
export function readProcessList(machine: Machine, compare?: CompareProcesses): ProcessList {
  const steps = readProcessesInSteps({ machine, compare });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Reads `/proc`, process by process. Omits processes that end meanwhile, and counts those that may
 * not be read.
 */
export function* readProcessesInSteps({
  machine,
  compare,
}: ProcessListOptions): Generator<ReadingProgress, ProcessList, undefined> {
  const proc = join(machine.root, 'proc');
  const listing = readOrRefusal(() => readdirSync(proc));
  const names = 'value' in listing ? listing.value : [];
  const pids = names.filter((name) => /^[1-9]\d*$/u.test(name));
  const reader = new SystemTextReader();
  const readings: (ProcessHoldings | Refusal)[] = [];
  for (const pid of pids) {
    readings.push(readProcessHoldings(join(proc, pid), Number(pid), reader));
    yield { doneCount: readings.length, totalCount: pids.length };
  }
  const ownPid = readOwnPid(machine);
  const found = readings.filter((reading) => typeof reading === 'object').filter(isOfUsers);
  const { processes, uncertainCount } = countSharedOnce(found, compare ?? compareWithin(machine, ownPid));
  const unreadableCount = readings.filter((reading) => reading === 'forbidden' || isCutShort(reading)).length;
  const gaps = [
    ...gapOfMissingProc(machine, pids.length > 0 || names.includes('self')),
    ...gapOfUnreadable(machine, unreadableCount),
    ...gapOfHidden(machine),
    ...gapOfNamespace(machine),
    ...gapOfIndistinct(processes),
    ...gapOfUnreadableDescriptors(processes),
    ...gapOfShared(machine, uncertainCount),
  ];
  return { processes, ownPid, unreadableCount, gaps };
}

/**
 * Process ids of another machine, or of the `/proc` of another PID namespace, mean nothing to this
 * kernel.
 */
function compareWithin(machine: Machine, ownPid: number): CompareProcesses {
  if (machine.root !== '/' || ownPid !== process.pid) return () => undefined;
  const calls = new KcmpCalls();
  return (pid, otherPid, resource) => calls.compare(pid, otherPid, resource);
}

/**
 * This process's id in `/proc`, which may be mounted for another PID namespace. NaN where it does
 * not contain this process.
 */
function readOwnPid(machine: Machine): number {
  return Number.parseInt(readOptionalSystemFile(join(machine.root, 'proc/self/stat')) ?? '', 10);
}

function isOfUsers(process: ProcessHoldings): boolean {
  return !process.isKernelThread;
}

function isCutShort(reading: ProcessHoldings | Refusal): boolean {
  return typeof reading === 'object' && !reading.isWhole;
}

function gapOfMissingProc(machine: Machine, isMounted: boolean): Gap[] {
  if (isMounted) return [];
  const what = 'What processes hold could not be read, as /proc is not mounted';
  return [{ kind: 'processes', what, count: null, remedy: asRoot('mount -t proc proc /proc', readIdentity(machine)) }];
}

function gapOfUnreadable(machine: Machine, count: number): Gap[] {
  if (count === 0) return [];
  const what = `What ${count === 1 ? '1 process holds' : `${count} processes hold`} could not be read, or not all of it`;
  return [{ kind: 'processes', what, count, remedy: processAccessRemedy(machine) }];
}

function gapOfHidden(machine: Machine): Gap[] {
  const mounts = readOptionalSystemFile(join(machine.root, 'proc/self/mountinfo')) ?? '';
  const mount = mounts.split('\n').find((line) => / \/proc .* - proc /u.test(line)) ?? '';
  if (!/[ ,]hidepid=(?:2|4|invisible|ptraceable)(?:,|$)/u.test(mount) || mayTraceProcesses(machine)) return [];
  const what = 'Processes of other users are hidden (/proc is mounted with hidepid), and what they hold';
  return [{ kind: 'hidden-processes', what, count: null, remedy: processAccessRemedy(machine) }];
}

function gapOfNamespace(machine: Machine): Gap[] {
  const namespace = readLink(join(machine.root, 'proc/self/ns/pid'));
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

function gapOfUnreadableDescriptors(processes: readonly ProcessHoldings[]): Gap[] {
  const unreadable = processes.filter(({ unreadableCount }) => unreadableCount > 0);
  const count = unreadable.reduce((sum, { unreadableCount }) => sum + unreadableCount, 0);
  if (count === 0) return [];
  const what = `${count === 1 ? '1 descriptor or mapping' : `${count} descriptors and mappings`} of dma-bufs could not be understood, and what they hold is not listed`;
  const remedy = `report it with /proc/${unreadable[0]?.pid}/fdinfo and maps`;
  return [{ kind: 'unreadable-descriptors', what, count, remedy }];
}

function gapOfShared(machine: Machine, count: number): Gap[] {
  if (count === 0) return [];
  const what = `${count} processes hold the same as another and may share it, which the kernel does not tell (kcmp): it may be counted more than once`;
  return [{ kind: 'shared-descriptors', what, count, remedy: processAccessRemedy(machine) }];
}

function readLink(path: string): string | undefined {
  const link = readOrRefusal(() => readlinkSync(path));
  return 'value' in link ? link.value : undefined;
}
