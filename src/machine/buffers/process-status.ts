/** The status of a process from `/proc/PID/stat`. */
export interface ProcessStatus {
  /** Its command name: the first 15 bytes of its program's name, or a name that it gave itself. */
  readonly comm: string;
  /**
   * Start time since boot, in clock ticks. Together with the process id, it identifies a process
   * permanently.
   */
  readonly startTicks: number;
  /** Whether it is a kernel thread, which has no descriptors and no memory of its own. */
  readonly isKernelThread: boolean;
}

/** `PF_KTHREAD` in include/linux/sched.h. */
const KERNEL_THREAD = 0x0020_0000;
/** Indexes after the name (man 5 proc: fields 9 and 22, where the name is 2). */
const FLAGS_INDEX = 6;
const START_INDEX = 19;

/**
 * Parses the text. The name may contain anything, including brackets and spaces: it ends at the
 * last bracket.
 */
export function parseProcessStatus(text: string): ProcessStatus {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    comm: text.slice(open + 1, close),
    startTicks: Number(fields[START_INDEX]),
    isKernelThread: (Number(fields[FLAGS_INDEX]) & KERNEL_THREAD) !== 0,
  };
}
