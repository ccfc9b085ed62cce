/** The signals by which a user or the system ends a command. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface Limit {
  /** Ends it after a time. Default: never. */
  readonly seconds?: number | undefined;
}

/**
 * Runs `body` until it ends, or a signal or the time asks for the end: then its abort signal gives
 * `body` up, which closes everything on its way out.
 *
 * @returns whether a signal of the system ended it
 */
export async function untilInterrupted(
  body: (signal: AbortSignal) => Promise<void>,
  { seconds }: Limit = {},
): Promise<boolean> {
  const end = new AbortController();
  let isInterrupted = false;
  const interrupt = (): void => {
    isInterrupted = true;
    end.abort();
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  const timer = seconds === undefined ? undefined : setTimeout(() => end.abort(), seconds * 1000);
  try {
    await body(end.signal);
  } catch (error) {
    if (!isReasonOf(end.signal, error)) throw error;
  } finally {
    clearTimeout(timer);
    for (const name of SIGNALS) process.off(name, interrupt);
  }
  return isInterrupted;
}

/** The reason itself, or the error of Node's own waits, which has the reason as its cause. */
function isReasonOf({ aborted, reason }: AbortSignal, error: unknown): boolean {
  return aborted && (error === reason || (error instanceof Error && error.cause === reason));
}
