/** A process as `/proc/PID/stat` has it. */
export interface ProcessStatus {
  /** The name it goes by: the first 15 bytes of its program's name, or what it called itself. */
  readonly comm: string;
  /** Since the machine started, in clock ticks: with the process id, this names one process for good. */
  readonly startTicks: number;
  /** It belongs to the kernel, and has no descriptors and no memory of its own. */
  readonly isKernelThread: boolean;
}

/** `PF_KTHREAD` in include/linux/sched.h. */
const KERNEL_THREAD = 0x0020_0000;
/** Counted after the name (man 5 proc: fields 9 and 22, where the name is 2). */
const FLAGS_INDEX = 6;
const START_INDEX = 19;

/** Reads the text. The name may hold anything, also brackets and spaces: it ends at the last bracket. */
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
