import type { OpenMapping } from './open-mapping.ts';

/** FTRACE_RETFUNC_DEPTH is 50 (include/linux/ftrace.h); text may claim any depth. */
export const GRAPH_DEPTH_MAX = 512;

/** The calls that a task, or a processor whose task is not known, is in. */
export class GraphTask {
  comm: string | undefined;
  pid: number | undefined;
  /** By depth. 0 is a function whose entry was not in the text. */
  readonly ids: number[] = [];
  depth = 0;
  cpu = -1;
  isInInterrupt = false;
  /** Outermost first. Nearly always none: what the hot loop asks. */
  readonly open: OpenMapping[] = [];

  constructor(comm?: string, pid?: number) {
    this.comm = comm;
    this.pid = pid;
  }
}
