import type { WaitOptions } from '../base/abort.ts';
import { checkOneOf, readWaitOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import type { DmaBufFile } from '../linux/calls/dma-buf-file.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import { checkAccessMode } from './cpu-access.ts';
import type { BufferCore } from './buffer-core.ts';
import { checkFence } from './importer/fence.ts';
import type { Fence } from './importer/fence.ts';
import { checkMayAccess, checkMayAddFence } from './read-only-refusal.ts';
import { FENCE_USAGES, Reservation, usageToWaitFor } from './importer/reservation.ts';
import type { FenceUsage } from './importer/reservation.ts';
import { checkSyncFile, SyncFile } from './sync-file.ts';

const USAGE = { name: 'usage', allowed: FENCE_USAGES };

/** What the fences need of their buffer. */
interface FencedBuffer {
  readonly core: BufferCore;
  /** For messages. */
  label(): string;
  /** The main window's. */
  memory(): WindowMemory | undefined;
  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED`. `action` completes "Cannot …" */
  checkOpen(action: string): void;
}

/**
 * The fences that accesses to a buffer wait for: those of this process, and a dma-buf's device
 * fences.
 */
export class BufferFences {
  readonly reservation: Reservation;
  readonly #buffer: FencedBuffer;

  /** @param onChange called when a fence of this process was added or signaled */
  constructor(buffer: FencedBuffer, onChange: () => void) {
    this.#buffer = buffer;
    this.reservation = new Reservation(onChange);
  }

  /** As `DmaBuf.addFence`. */
  add(fence: Fence, usage: FenceUsage): void {
    const checked = checkFence(fence);
    const checkedUsage = checkOneOf(usage, { action: 'add the fence', ...USAGE });
    this.#buffer.checkOpen('add a fence to');
    checkMayAddFence(this.#written, checkedUsage);
    this.reservation.add(checked, checkedUsage);
  }

  /** As `DmaBuf.fences`. */
  list(usage: FenceUsage): Fence[] {
    return this.reservation.fences(checkOneOf(usage, { action: 'list the fences', ...USAGE }));
  }

  /** As `DmaBuf.ready`. */
  async ready(mode: 'read' | 'write', options: WaitOptions): Promise<void> {
    const action = 'wait for the buffer';
    const plain = readWaitOptions(options, action);
    checkOneOf(mode, { action, name: 'mode', allowed: ['read', 'write'] });
    const { core } = this.#buffer;
    this.#buffer.checkOpen('wait for');
    // Checked again: if the buffer was closed meanwhile, its descriptor number may belong to
    // another file.
    core.addHolder();
    try {
      const { maintenance } = core.memory;
      do {
        await this.reservation.wait(usageToWaitFor(mode), plain);
        await maintenance.whenReady(mode, plain);
      } while (this.reservation.pendingCount(usageToWaitFor(mode)) > 0);
    } finally {
      core.dropHolderNowOrLater(this.#buffer.memory());
    }
  }

  /** As `DmaBuf.exportSyncFile`. */
  exportSyncFile(mode: AccessMode): SyncFile {
    const checked = checkAccessMode(mode, 'export a sync file');
    return new SyncFile(this.#checkDmaBuf('export a sync file of').exportSyncFile(checked));
  }

  /** As `DmaBuf.importSyncFile`. */
  importSyncFile(syncFile: SyncFile, mode: AccessMode): void {
    const fd = SyncFile.borrowFrom(checkSyncFile(syncFile, 'import'));
    const checked = checkAccessMode(mode, 'import a sync file');
    const dmaBuf = this.#checkDmaBuf('import a sync file into');
    checkMayAccess(this.#written, checked, 'import a sync file of work');
    dmaBuf.importSyncFile(fd, checked);
  }

  get #written(): { readonly label: string; readonly readOnly: boolean } {
    return { label: this.#buffer.label(), readOnly: this.#buffer.core.memory.readOnly };
  }

  #checkDmaBuf(action: string): DmaBufFile {
    this.#buffer.checkOpen(action);
    const { dmaBuf } = this.#buffer.core.memory;
    if (dmaBuf !== undefined) return dmaBuf;
    throw new DmaBufError(
      `Cannot ${action} ${this.#buffer.label()} as it is no dma-buf: allocate it from a heap whose deviceImportable is true`,
      { code: 'EOPNOTSUPP' },
    );
  }
}
