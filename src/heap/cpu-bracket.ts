/** CPU access to buffers that are mapped elsewhere than in their window. */

import type { WaitOptions } from '../base/abort.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import { beginCpuAccess, beginCpuAccessSync } from './cpu-access.ts';
import type { AccessSyncOptions, AccessibleBuffer } from './cpu-access.ts';
import { DmaBuf } from './dma-buf.ts';

/** An access that has begun. */
interface Bracket {
  /** Ends the access. Idempotent. */
  end(): void;
}

function withoutWindow(buffer: DmaBuf): AccessibleBuffer {
  return { ...DmaBuf.accessibleOf(buffer), isMapped: () => true, openView: () => undefined };
}

/**
 * As `DmaBuf.beginCpuAccess`, without its window. The caller holds the buffer's memory from before
 * the call until the end.
 */
export async function beginBracket(buffer: DmaBuf, mode: AccessMode, options: WaitOptions): Promise<Bracket> {
  return await beginCpuAccess(withoutWindow(buffer), mode, options);
}

/** As `DmaBuf.beginCpuAccessSync`, without its window. */
export function beginBracketSync(buffer: DmaBuf, mode: AccessMode, options: AccessSyncOptions): Bracket {
  return beginCpuAccessSync(withoutWindow(buffer), mode, options);
}
