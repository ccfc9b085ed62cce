import type { AccessMode } from '../linux/cpu-access-maintenance.ts';

export const ACCESS_MODES: readonly AccessMode[] = ['read', 'write', 'readwrite'];

/** Options of `access`. */
export interface AccessOptions {
  /** Gives up waiting for fences. Once the body runs, it runs to its end. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `accessSync`. */
export interface AccessSyncOptions {
  /** Block the thread while fences are pending, instead of refusing with `EAGAIN`. */
  readonly block?: boolean | undefined;
}
