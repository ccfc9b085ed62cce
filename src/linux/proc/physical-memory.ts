import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { thisMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';
import { elf64Hdr, elf64Phdr, PT_LOAD } from '../../uapi/elf.ts';
import { withFileErrors } from './system-file.ts';

/** A range of physical memory, and its place in the file. */
interface Segment {
  readonly start: number;
  readonly end: number;
  readonly offset: bigint;
}

/**
 * The machine's memory by physical address, for reading: `/proc/kcore`, a core file of the running
 * kernel, whose memory segments give their physical addresses (fs/proc/kcore.c). For root outside
 * of containers (CAP_SYS_RAWIO).
 */
export class PhysicalMemory {
  readonly #path: string;
  readonly #fd: number;
  readonly #segments: readonly Segment[];

  /**
   * @param machine whose `/proc` is read
   * @throws {DmaBufError} as the kernel refuses
   */
  constructor(machine: Machine = thisMachine) {
    this.#path = join(machine.root, 'proc/kcore');
    this.#fd = withFileErrors('open', this.#path, () => openSync(this.#path, 'r'));
    try {
      this.#segments = this.#readSegments();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * The bytes from a physical address on; undefined where the file does not contain them.
   *
   * @throws {DmaBufError} as the kernel refuses
   */
  read(address: number, length: number): Uint8Array | undefined {
    const segment = this.#segments.find(({ start, end }) => address >= start && address + length <= end);
    return segment === undefined ? undefined : this.#readAt(segment.offset + BigInt(address - segment.start), length);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #readSegments(): Segment[] {
    const { ePhoff, ePhentsize, ePhnum } = elf64Hdr.read(this.#readAt(0n, elf64Hdr.size));
    const headers = this.#readAt(BigInt(ePhoff), ePhentsize * ePhnum);
    return Array.from({ length: ePhnum }, (_, index) =>
      elf64Phdr.read(headers.subarray(index * ePhentsize, (index + 1) * ePhentsize)),
    )
      .filter(({ pType }) => pType === PT_LOAD)
      .map(({ pPaddr, pOffset, pFilesz }) => ({ start: pPaddr, end: pPaddr + pFilesz, offset: pOffset }));
  }

  #readAt(offset: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const read = withFileErrors('read', this.#path, () => readSync(this.#fd, bytes, 0, length, offset));
    return bytes.subarray(0, read);
  }
}
