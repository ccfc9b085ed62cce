/**
 * A guest that cannot be built, does not boot, or ends without its command's exit status. The
 * message says what to do.
 */
export class GuestError extends Error {
  override readonly name = 'GuestError';
}

/** A guest that ended without its command's exit status. */
export class GuestEndError extends GuestError {
  /** In one line. The message also contains the console's output. */
  readonly why: string;
  /** Whether the kernel panicked: before the command began, or while it ran. */
  readonly panic: 'boot' | 'command' | undefined;

  constructor(why: string, consoleLines: string, panic: GuestEndError['panic']) {
    super(`The guest's command did not end as ${why}. The console's last lines:\n${consoleLines}`);
    this.why = why;
    this.panic = panic;
  }
}
