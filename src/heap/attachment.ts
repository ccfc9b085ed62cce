import { DmaBufError } from '../base/errors.ts';
import type { BufferLayout } from '../backend/contract.ts';
import type { AccessMode } from '../linux/cpu-access-maintenance.ts';
import type { SgTable } from '../sg/sg-table.ts';
import type { WaitOptions } from './fence.ts';
import type { Reservation } from './reservation.ts';

/** A device of this process: a simulated one, a user-space driver, a test. */
export interface Importer {
  readonly name: string;
  /** Called when the CPU starts to use a buffer that is mapped for this importer: let go of cached copies. */
  beginCpuAccess?(mode: AccessMode): void;
  /** Called when the CPU is done: what it wrote must be seen. */
  endCpuAccess?(mode: AccessMode): void;
}

/** What an attachment needs of its buffer. */
interface AttachedBuffer {
  readonly label: string;
  readonly reservation: Reservation;
  layout(): BufferLayout;
  detached(attachment: Attachment): void;
}

/**
 * An importer's hold on a buffer (struct dma_buf_attachment). The memory stays until it is detached, even when the buffer is
 * closed before.
 */
export class Attachment {
  readonly importer: Importer;
  readonly #buffer: AttachedBuffer;
  #mapped = false;
  #detached = false;

  /** @internal */
  constructor(importer: Importer, buffer: AttachedBuffer) {
    this.importer = importer;
    this.#buffer = buffer;
  }

  get mapped(): boolean {
    return this.#mapped;
  }

  get detached(): boolean {
    return this.#detached;
  }

  /**
   * Hands the importer the buffer's pages, once its memory is not being moved: waits for the fences of usage `kernel`, as
   * dma_buf_map_attachment does for an importer that cannot be told of moves. It does not wait for readers and writers.
   *
   * @throws {DmaBufError} `EBUSY` when mapped already, `EOPNOTSUPP` when the layout is not known
   */
  async map(options: WaitOptions = {}): Promise<SgTable> {
    this.#checkMappable();
    await this.#buffer.reservation.wait('kernel', options);
    // Somebody else may have been faster while we waited.
    const table = this.#checkMappable();
    this.#mapped = true;
    return table;
  }

  /** The importer is done with the pages. From now on CPU accesses pass it by. */
  unmap(): void {
    this.#checkAttached();
    if (!this.#mapped) {
      throw new DmaBufError(`Cannot unmap the attachment of "${this.importer.name}" as it is not mapped`, {
        code: 'EINVAL',
      });
    }
    this.#mapped = false;
  }

  /** Unmaps if mapped, and lets go of the memory. Again: does nothing. */
  detach(): void {
    if (this.#detached) return;
    this.#buffer.detached(this);
    this.#mapped = false;
    this.#detached = true;
  }

  [Symbol.dispose](): void {
    this.detach();
  }

  #checkMappable(): SgTable {
    this.#checkAttached();
    if (this.#mapped) {
      throw new DmaBufError(`Cannot map the attachment of "${this.importer.name}" twice: unmap it first`, {
        code: 'EBUSY',
      });
    }
    const layout = this.#buffer.layout();
    if (!layout.known) {
      throw new DmaBufError(
        `Cannot give "${this.importer.name}" the pages of ${this.#buffer.label} as ${layout.reason}`,
        {
          code: 'EOPNOTSUPP',
        },
      );
    }
    return layout.table;
  }

  #checkAttached(): void {
    if (this.#detached) {
      throw new DmaBufError(`Cannot use the attachment of "${this.importer.name}" after it was detached`, {
        code: 'ERR_DMABUF_CLOSED',
      });
    }
  }
}
