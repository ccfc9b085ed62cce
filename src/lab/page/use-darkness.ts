import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** Whether the reader wants light on dark, now. */
export function useDarkness(): boolean {
  const query = matchMedia('(prefers-color-scheme: dark)');
  const isDark = useSignal(query.matches);
  useEffect(() => {
    const change = (): void => void (isDark.value = query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  return isDark.value;
}
