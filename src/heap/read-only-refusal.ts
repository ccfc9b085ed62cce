import { DmaBufError } from '../base/errors.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import type { FenceUsage } from './importer/reservation.ts';

/** The properties of a buffer that decide about writes. */
interface MaybeReadOnly {
  /** For messages. */
  readonly label: string;
  readonly readOnly: boolean;
}

/**
 * @throws {DmaBufError} `EACCES` for a write to a read-only buffer. `action` completes "Cannot …"
 */
export function checkMayAccess(buffer: MaybeReadOnly, mode: AccessMode, action: string): void {
  if (buffer.readOnly && mode !== 'read') throw refusal(buffer, `${action} to ${mode}`);
}

/**
 * @throws {DmaBufError} `EACCES` for a fence whose work writes or moves a read-only buffer's memory
 */
export function checkMayAddFence(buffer: MaybeReadOnly, usage: FenceUsage): void {
  if (buffer.readOnly && (usage === 'write' || usage === 'kernel'))
    throw refusal(buffer, `add a fence of usage ${usage}`);
}

function refusal({ label }: MaybeReadOnly, action: string): DmaBufError {
  return new DmaBufError(
    `Cannot ${action}, as ${label} may only be read by this process: import a descriptor that may be written through, ` +
      `with { mode: 'readwrite' }, or have the process that allocated the buffer write to it`,
    { code: 'EACCES' },
  );
}
