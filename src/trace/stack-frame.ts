/** A frame of a call stack, as a source prints it. */
export interface StackFrame {
  /** Without what the compiler added. */
  readonly name: string;
  readonly module?: string;
  readonly buildId?: string;
  /** Printed with `?`, or `(unreliable)`: found on the stack, and perhaps left over from before. */
  readonly isUnreliable?: true;
}
