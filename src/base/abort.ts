/**
 * Calls `listener` once with the reason when `signal`, not aborted so far, aborts.
 *
 * @returns a function that stops listening
 */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: Error) => void): () => void {
  if (signal === undefined) return () => {};
  const onEvent = (): void => listener(signal.reason as Error);
  signal.addEventListener('abort', onEvent, { once: true });
  return () => signal.removeEventListener('abort', onEvent);
}
