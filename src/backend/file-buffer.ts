import { assert } from '../base/assert.ts';
import type { ByteLength } from '../base/quantities.ts';
import { COHERENT_MEMORY } from '../linux/cpu-access-maintenance.ts';
import type { CpuAccessMaintenance } from '../linux/cpu-access-maintenance.ts';
import { DmaBufFile } from '../linux/dma-buf-file.ts';
import type { DmaBufCalls } from '../linux/dma-buf-calls.ts';
import type { OwnedFd } from '../linux/fd.ts';
import { committedBytesOf, inodeOf } from '../linux/file-status.ts';
import type { MemorySource } from '../mapping/memory-source.ts';
import type { BackendBuffer, BufferLayout } from './contract.ts';

/** The descriptors of a buffer that has its memory to itself: a memfd, a dma-buf, or a dma-buf over a memfd. */
interface BufferFiles {
  readonly memfd?: OwnedFd | undefined;
  readonly dmaBuf?: OwnedFd | undefined;
}

interface FileBufferSetup {
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
  readonly exporter: string;
  layout(): BufferLayout;
  /** Called once, when the descriptors are closed. */
  released?(): void;
}

/** A buffer that is a file of its own, from start to end. It closes its descriptors when it is released. */
export class FileBuffer implements BackendBuffer {
  readonly length: ByteLength;
  readonly exporter: string;
  readonly source: MemorySource;
  readonly mappedInode: number;
  readonly dmaBuf: DmaBufFile | undefined;
  readonly #calls: DmaBufCalls;
  readonly #files: BufferFiles;
  readonly #setup: FileBufferSetup;

  /** Takes the descriptors over. Thrown at, it has not. */
  constructor(calls: DmaBufCalls, files: BufferFiles, setup: FileBufferSetup) {
    const { length, pageSize, exporter } = setup;
    this.length = length;
    this.exporter = exporter;
    this.#calls = calls;
    this.#files = files;
    this.#setup = setup;
    this.dmaBuf = files.dmaBuf === undefined ? undefined : new DmaBufFile(calls, files.dmaBuf.borrow());
    // Where there is a memfd it is mapped, rather than the dma-buf over it: its pages can be faulted in beforehand.
    const mapped = (files.memfd ?? files.dmaBuf)?.borrow();
    assert(mapped !== undefined, 'A buffer has a file');
    this.mappedInode = inodeOf(mapped);
    const runs = { count: 1, offsets: new Float64Array([0]), lengths: new Float64Array([length]) };
    this.source = { fd: mapped, runs, pageSize, touched: false };
  }

  /** A memfd's mappings are coherent: only a device that imported a dma-buf has caches of its own. */
  get maintenance(): CpuAccessMaintenance {
    return this.dmaBuf ?? COHERENT_MEMORY;
  }

  get inode(): number {
    return this.dmaBuf?.inode ?? this.mappedInode;
  }

  /** What it takes of the machine's memory now: a memfd's touched pages; a dma-buf has all of its own from birth. */
  get committedBytes(): number {
    const { memfd } = this.#files;
    return memfd === undefined ? this.length : committedBytesOf(memfd.borrow());
  }

  layout(): BufferLayout {
    return this.#setup.layout();
  }

  setName(name: string): void {
    this.dmaBuf?.setName(name);
  }

  exportFd(): OwnedFd {
    return this.#calls.duplicate(this.dmaBuf?.fd ?? this.source.fd);
  }

  /** Tried again after a refusal, it goes on where it stopped. */
  release(): void {
    this.#files.dmaBuf?.close();
    this.#files.memfd?.close();
    this.#setup.released?.();
  }
}
