import { kernelCalls } from './calls/kernel-calls.ts';
import type { RawCalls } from './calls/kernel-calls.ts';

/**
 * The system calls and files that the package uses. Tests replace them by failing calls, or by the
 * files of another machine.
 */
export class Machine {
  readonly raw: RawCalls;
  /** The folder that contains `/dev`, `/proc`, `/sys` and `/etc`. */
  readonly root: string;

  constructor({ raw = kernelCalls, root = '/' }: { readonly raw?: RawCalls; readonly root?: string } = {}) {
    this.raw = raw;
    this.root = root;
  }

  /**
   * The machine in the hidden last argument of a public function. Any other value is ignored, as
   * JavaScript ignores surplus arguments.
   */
  static hiddenIn(argument: unknown): Machine {
    return argument instanceof Machine ? argument : thisMachine;
  }
}

export const thisMachine: Machine = Object.freeze(new Machine());
