import { DmaBufError } from '../base/errors.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import { beginForImporters } from './importer/attachment.ts';
import type { Attachment } from './importer/attachment.ts';
import type { BufferCore } from './buffer-core.ts';
import type { BufferWindows } from './buffer-windows.ts';
import type { AccessibleBuffer } from './cpu-access.ts';
import { checkMayAccess } from './read-only-refusal.ts';
import { usageToWaitFor } from './importer/reservation.ts';
import type { Reservation } from './importer/reservation.ts';
import { BufferView } from './view.ts';

/** What accesses need of a buffer of this thread. */
interface OwnBuffer {
  /** For messages. */
  readonly label: () => string;
  readonly core: BufferCore;
  readonly windows: BufferWindows;
  readonly reservation: Reservation;
  readonly attachments: Iterable<Attachment>;
  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED` */
  checkOpen(): void;
}

/** The access to a buffer in the thread that allocated or imported it. Reused for every access. */
export function accessOwnBuffer(buffer: OwnBuffer): AccessibleBuffer {
  const { core, reservation, attachments } = buffer;
  const { maintenance, readOnly } = core.memory;
  return {
    label: () => buffer.label(),
    maintenance,
    checkMay: (mode) => {
      buffer.checkOpen();
      checkMayAccess({ label: buffer.label(), readOnly }, mode, 'access the buffer');
    },
    isMapped: () => core.isMapped('main'),
    openView: () => openAccessView(buffer),
    hasPendingFences: (mode) => reservation.pendingCount(usageToWaitFor(mode)) > 0,
    waitForFences: (mode, options) => reservation.wait(usageToWaitFor(mode), options),
    blockForFences: (mode) => refuseToBlock(buffer, mode),
    begin: (mode) => beginForImporters(maintenance, attachments, mode),
  };
}

/** A view that holds the window; its close never throws. */
function openAccessView({ label, core, windows }: OwnBuffer): BufferView {
  const memory = windows.open('main', false);
  const closeView = (): void => core.dropWindowUserNowOrLater(memory);
  return new BufferView(memory, { label: label(), readOnly: core.memory.readOnly, closeView });
}

/** This thread itself signals the fences of its buffers. */
function refuseToBlock(buffer: OwnBuffer, mode: AccessMode): void {
  if (buffer.reservation.pendingCount(usageToWaitFor(mode)) === 0) return;
  throw new DmaBufError(
    `Cannot block for ${buffer.label()} as its fences are signaled by the thread that would be blocked: await access() instead`,
    { code: 'EDEADLK' },
  );
}
