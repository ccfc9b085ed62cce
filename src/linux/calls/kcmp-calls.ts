import { KCMP_FILES, KCMP_VM } from '../../uapi/kcmp.ts';
import { CheckedCalls } from './checked-calls.ts';

/**
 * A resource that two processes may share: their descriptors (`CLONE_FILES`), or their memory
 * (`CLONE_VM`).
 */
export type SharedResource = 'descriptors' | 'memory';

const TYPES: Readonly<Record<SharedResource, number>> = { descriptors: KCMP_FILES, memory: KCMP_VM };
/** man 2 kcmp: 0 for equal, 1 and 2 for an order, 3 for different without an order. */
const ORDERS: readonly (number | undefined)[] = [0, -1, 1, undefined];

/** Comparisons of processes. */
export class KcmpCalls extends CheckedCalls {
  /**
   * Compares a resource of two processes, in an order that is stable until the machine restarts
   * (man 2 kcmp).
   *
   * @returns 0 where they share it, otherwise -1 or 1 by the order; undefined where the kernel
   *   refuses: it demands the right to read both processes (PTRACE_MODE_READ), and may be built
   *   without the call
   */
  compare(pid: number, otherPid: number, resource: SharedResource): number | undefined {
    const result = this.raw.kcmp(pid, otherPid, TYPES[resource], 0, 0);
    return result < 0 ? undefined : ORDERS[result];
  }
}
