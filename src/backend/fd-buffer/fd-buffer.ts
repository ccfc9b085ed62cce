import { assert } from '../../base/assert.ts';
import { DmaBufError } from '../../base/errors.ts';
import { bytesOfPages, pagesCoveringBytes } from '../../base/quantities.ts';
import type { Address, ByteLength } from '../../base/quantities.ts';
import { COHERENT_MEMORY } from '../../linux/calls/cpu-access-maintenance.ts';
import type { CpuAccessMaintenance } from '../../linux/calls/cpu-access-maintenance.ts';
import { DmaBufFile } from '../../linux/calls/dma-buf-file.ts';
import type { DmaBufCalls } from '../../linux/calls/dma-buf-calls.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import type { FileRuns } from '../../linux/calls/memory-calls.ts';
import { committedBytesOf, inodeOf } from '../../linux/calls/file-status.ts';
import { mayCpuMap } from '../../linux/proc/heap-names.ts';
import type { HugePages } from '../../mapping/huge-part.ts';
import type { MemorySource } from '../../mapping/memory-source.ts';
import type { BackendBuffer, BufferLayout } from '../../heap/backend.ts';

/**
 * The descriptors of a buffer with a file of its own: a memfd, a dma-buf, or a dma-buf over a
 * memfd.
 */
interface BufferFiles {
  readonly memfd?: OwnedFd | undefined;
  readonly dmaBuf?: OwnedFd | undefined;
}

/** A mapping that stays until it is closed. */
export interface OwnedMapping {
  readonly address: Address;
  /** Idempotent. */
  close(): void;
}

interface FdBufferSetup {
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
  readonly exporter: string;
  layout(): BufferLayout;
  /** Whether this process may only read it. Default: false. */
  readonly readOnly?: boolean;
  /** Whether the file is longer than the buffer. Default: false. */
  readonly isPart?: boolean;
  /**
   * The owner's mapping of the whole memfd, made before it was sealed against writing. It is
   * unmapped with the buffer.
   */
  readonly mappedBeforeSeal?: OwnedMapping;
  readonly hugePages?: HugePages;
  /** Called once, when the descriptors are closed. */
  released?(): void;
}

/** A buffer that is a whole file. It closes its descriptors when it is released. */
export class FdBuffer implements BackendBuffer {
  readonly length: ByteLength;
  readonly exporter: string;
  readonly source: MemorySource;
  readonly readOnly: boolean;
  /**
   * The kernel makes no private mappings of a dma-buf (drivers/dma-buf/udmabuf.c, mmap_udmabuf;
   * mm/memory.c, remap_pfn_range).
   */
  readonly readOnlyStores: BackendBuffer['readOnlyStores'];
  readonly dmaBuf: DmaBufFile | undefined;
  readonly #calls: DmaBufCalls;
  readonly #files: BufferFiles;
  readonly #setup: FdBufferSetup;
  #mappedInode: number | undefined;

  /** Takes ownership of the descriptors, unless it throws. */
  constructor(calls: DmaBufCalls, files: BufferFiles, setup: FdBufferSetup) {
    const { length, pageSize, exporter, readOnly = false, mappedBeforeSeal } = setup;
    this.length = length;
    this.exporter = exporter;
    this.readOnly = readOnly;
    this.readOnlyStores = files.memfd === undefined ? 'read-only' : 'private';
    this.#calls = calls;
    this.#files = files;
    this.#setup = setup;
    this.dmaBuf = files.dmaBuf === undefined ? undefined : new DmaBufFile(calls, files.dmaBuf.borrow());
    // Maps a memfd rather than the dma-buf over it, because its pages can be faulted in beforehand.
    const mapped = (files.memfd ?? files.dmaBuf)?.borrow();
    assert(mapped !== undefined, 'A buffer has a file');
    this.source = {
      fd: mapped,
      runs: runOf(bytesOfPages(pagesCoveringBytes(length, pageSize), pageSize)),
      pageSize,
      mappedBeforeSeal: mappedBeforeSeal?.address,
      closedToCpu: explainProtected(exporter),
      hugePages: setup.hugePages,
      touched: false,
      committed: false,
      committedBytes:
        files.memfd === undefined || setup.isPart === true ? undefined : (): number => this.committedBytes,
    };
  }

  /**
   * Mappings of a memfd are coherent. Only a device that imported a dma-buf has caches of its own.
   */
  get maintenance(): CpuAccessMaintenance {
    return this.dmaBuf ?? COHERENT_MEMORY;
  }

  /**
   * Read on demand: only a buffer that was collected unclosed, or one that is searched for on the
   * machine, needs it.
   */
  get mappedInode(): number {
    this.#mappedInode ??= inodeOf(this.source.fd);
    return this.#mappedInode;
  }

  get inode(): number {
    return this.dmaBuf?.inode ?? this.mappedInode;
  }

  /**
   * The memory that it takes from the machine now: the touched pages of a memfd, or all pages of a
   * dma-buf.
   */
  get committedBytes(): number {
    const { memfd } = this.#files;
    return memfd === undefined ? this.length : committedBytesOf(memfd.borrow());
  }

  layout(): BufferLayout {
    // Code that reads its pages maps them first.
    const { closedToCpu } = this.source;
    return closedToCpu === undefined ? this.#setup.layout() : { known: false, reason: closedToCpu };
  }

  setName(name: string): void {
    this.dmaBuf?.setName(name);
  }

  exportFd(): OwnedFd {
    if (this.#setup.isPart === true) {
      throw new DmaBufError(
        'Cannot export the buffer as it is a part of its file, whose descriptor would hand out all of it: ' +
          'pass on the descriptor that it was imported from, or make the file as long as the buffer',
        { code: 'EOPNOTSUPP', values: { length: this.length } },
      );
    }
    return this.#calls.duplicate(this.dmaBuf?.fd ?? this.source.fd);
  }

  /** A second attempt after a refusal continues where the first stopped. */
  release(): void {
    this.#setup.mappedBeforeSeal?.close();
    this.#files.dmaBuf?.close();
    this.#files.memfd?.close();
    this.#setup.released?.();
  }
}

/** A file of `length` bytes, from start to end. */
export function runOf(length: ByteLength): FileRuns {
  return { count: 1, offsets: new Float64Array(1), lengths: new Float64Array(1).fill(length) };
}

/**
 * A heap exports under its own name. Touching protected memory may end the process, if the kernel
 * maps it at all.
 */
function explainProtected(exporter: string): string | undefined {
  if (mayCpuMap(exporter)) return undefined;
  return `"${exporter}" is by its name a heap for protected content, which no CPU may map: pass the buffer on to devices, or allocate from another heap`;
}
