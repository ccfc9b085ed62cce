import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** The conditions that end an emulator. */
export interface EmulatorLimits {
  /** The time limit from now on. */
  readonly timeoutSeconds: number;
  /** How long the watched output may be silent, the boot included. Default: forever. */
  readonly silenceSecondsMax?: number;
  /** Aborting it ends the emulator. */
  readonly signal?: AbortSignal;
}

/**
 * Waits for an emulator's end, or causes it. Returns the reason, unless the guest ended by itself.
 */
export async function causeOfEnd(
  emulator: ChildProcess,
  output: Readable,
  { timeoutSeconds, silenceSecondsMax, signal }: EmulatorLimits,
): Promise<string> {
  let cause = '';
  const end = (why: string): void => {
    cause = why;
    emulator.kill('SIGKILL');
  };
  const interrupt = (): void => end('it was interrupted');
  const timers = [setTimeout(() => end(`it takes longer than ${timeoutSeconds} s`), timeoutSeconds * 1000)];
  if (silenceSecondsMax !== undefined) {
    const timer = setTimeout(() => end(`it has written nothing for ${silenceSecondsMax} s`), silenceSecondsMax * 1000);
    output.on('data', () => timer.refresh());
    timers.push(timer);
  }
  signal?.addEventListener('abort', interrupt);
  if (signal?.aborted === true) interrupt();
  try {
    const [exitCode, endingSignal] = (await once(emulator, 'close')) as [number | null, string | null];
    if (cause !== '') return cause;
    if (exitCode === 0) return 'the guest panicked or switched itself off';
    return exitCode === null ? `the emulator was ended by ${endingSignal}` : `the emulator ended with ${exitCode}`;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', interrupt);
  }
}
