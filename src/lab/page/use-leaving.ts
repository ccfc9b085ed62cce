import { useEffect, useMemo } from 'preact/hooks';

/** Aborts when the view is left: what it began ends with it. */
export function useLeaving(): AbortSignal {
  const leaving = useMemo(() => new AbortController(), []);
  useEffect(() => () => leaving.abort(), []);
  return leaving.signal;
}
