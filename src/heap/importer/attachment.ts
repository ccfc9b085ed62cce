import type { WaitOptions } from '../../base/abort.ts';
import { wrongType } from '../../base/argument-error.ts';
import { readWaitOptions } from '../../base/check.ts';
import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { BufferLayout } from '../backend.ts';
import type { AccessMode, CpuAccessMaintenance } from '../../linux/calls/cpu-access-maintenance.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import type { Reservation } from './reservation.ts';

/**
 * A device of this process: a simulated one, a user-space driver, a test.
 *
 * Its functions are called between the begin of a CPU access and its body, and after the body. They
 * may close the buffer, or detach: the access holds the memory until they have returned.
 */
export interface Importer {
  /** For messages. */
  readonly name: string;
  /**
   * Called when the CPU starts to use a buffer that is mapped for this importer: drop cached
   * copies.
   */
  beginCpuAccess?(mode: AccessMode): void;
  /** Called when the CPU is done: make its writes visible. */
  endCpuAccess?(mode: AccessMode): void;
}

/** An importer, and its name at the time of attaching. */
interface NamedImporter {
  readonly importer: Importer;
  readonly name: string;
}

/** What an attachment needs of its buffer. */
interface AttachedBuffer {
  readonly label: string;
  readonly reservation: Reservation;
  layout(): BufferLayout;
  detached(attachment: Attachment): void;
}

/**
 * An importer's hold on a buffer (struct dma_buf_attachment). The memory stays until it is
 * detached, even when the buffer is closed before.
 */
export class Attachment {
  readonly #importer: Importer;
  /** The name at the time of attaching: for messages. */
  readonly #name: string;
  readonly #buffer: AttachedBuffer;
  #mapped = false;
  #detached = false;

  /** @internal */
  constructor({ importer, name }: NamedImporter, buffer: AttachedBuffer) {
    this.#importer = importer;
    this.#name = name;
    this.#buffer = buffer;
  }

  /** The attached importer. */
  get importer(): Importer {
    return this.#importer;
  }

  /** Whether the importer has the buffer mapped. */
  get mapped(): boolean {
    return this.#mapped;
  }

  /** Whether `detach()` was called. */
  get detached(): boolean {
    return this.#detached;
  }

  /**
   * Gives the importer the buffer's pages, once its memory is not being moved: waits for the fences
   * of usage `kernel`, as dma_buf_map_attachment does for an importer that cannot be notified of
   * moves. Does not wait for readers and writers.
   *
   * @throws {DmaBufError} `EBUSY` when it is mapped already, `EOPNOTSUPP` when the layout is
   * unknown
   */
  async map(options: WaitOptions = {}): Promise<SgTable> {
    const plain = readWaitOptions(options, 'map the attachment');
    this.#checkMappable();
    await this.#buffer.reservation.wait('kernel', plain);
    // Another call may have mapped it during the wait.
    const table = this.#checkMappable();
    this.#mapped = true;
    return table;
  }

  /** The importer is done with the pages. From now on CPU accesses do not notify it. */
  unmap(): void {
    this.#checkAttached();
    if (!this.#mapped) {
      throw new DmaBufError(`Cannot unmap the attachment of "${this.#name}" as it is not mapped`, {
        code: 'EINVAL',
      });
    }
    this.#mapped = false;
  }

  /** Unmaps if mapped, and releases the memory. Idempotent. */
  detach(): void {
    if (this.#detached) return;
    this.#buffer.detached(this);
    this.#mapped = false;
    this.#detached = true;
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.detach();
  }

  #checkMappable(): SgTable {
    this.#checkAttached();
    if (this.#mapped) {
      throw new DmaBufError(`Cannot map the attachment of "${this.#name}" twice: unmap it first`, {
        code: 'EBUSY',
      });
    }
    const layout = this.#buffer.layout();
    if (!layout.known) {
      throw new DmaBufError(`Cannot give "${this.#name}" the pages of ${this.#buffer.label} as ${layout.reason}`, {
        code: 'EOPNOTSUPP',
      });
    }
    return layout.table;
  }

  #checkAttached(): void {
    if (this.#detached) {
      throw new DmaBufError(`Cannot use the attachment of "${this.#name}" after it was detached`, {
        code: 'ERR_DMABUF_CLOSED',
      });
    }
  }
}

/** @throws {TypeError} for an importer without a name */
export function checkImporter(importer: Importer): NamedImporter {
  const name: unknown = importer?.name;
  if (typeof name === 'string') return { importer, name };
  throw wrongType({ action: 'attach an importer', name: 'importer.name' }, { must: 'be a string', received: name });
}

/**
 * Tells the memory and the mapped importers that the CPU begins. Returns a function that tells the
 * notified ones of the end.
 */
export function beginForImporters(
  maintenance: CpuAccessMaintenance,
  attachments: Iterable<Attachment>,
  mode: AccessMode,
): () => void {
  const importers = [...attachments].filter(({ mapped }) => mapped).map(({ importer }) => importer);
  const ends = [() => maintenance.end(mode)];
  const end = (): void => runAllSteps(ends.toReversed(), 'Several steps of ending a CPU access failed');
  maintenance.begin(mode);
  return withCleanup((cleanup) => {
    cleanup.defer(end);
    for (const importer of importers) {
      importer.beginCpuAccess?.(mode);
      ends.push(() => importer.endCpuAccess?.(mode));
    }
    return end;
  });
}
