import assert from 'node:assert/strict';

import type { DmaBuf, Heap } from '../../src/index.ts';
import type { BufferView } from '../../src/heap/view.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import type { CallSite } from '../../src/workload/kernel/mapping-records.ts';
import { PAGE_BYTES } from './buffer-bytes.ts';
import type { BufferBytes } from './buffer-bytes.ts';

/** Tells a buffer's bytes by another way; undefined where there is none. */
export type BytesOf = (buffer: DmaBuf) => BufferBytes | undefined;

/** The functions of the kernel, which look at each mapping before a driver gets it. */
export class CheckedKernel extends KernelFunctions {
  readonly #bytesOf: BytesOf;
  #checkedCount = 0;
  #checkedPagesCount = 0;

  constructor(bytesOf: BytesOf, options: ConstructorParameters<typeof KernelFunctions>[0] = {}) {
    super(options);
    this.#bytesOf = bytesOf;
  }

  /** How many mappings of dma-bufs were looked at. */
  get checkedCount(): number {
    return this.#checkedCount;
  }

  /** How many mappings of pages that drivers found by themselves. */
  get checkedPagesCount(): number {
    return this.#checkedPagesCount;
  }

  override vmap(buffer: DmaBuf, site: CallSite): BufferView {
    const view = super.vmap(buffer, site);
    if (this.#check(view, buffer)) this.#checkedCount += 1;
    return view;
  }

  override vmapPages(buffer: DmaBuf, part: { readonly offset: number; readonly length: number }): BufferView {
    const view = super.vmapPages(buffer, part);
    if (part.length === buffer.length && this.#check(view, buffer)) this.#checkedPagesCount += 1;
    return view;
  }

  override allocate(heap: Heap, length: number, name: string): DmaBuf {
    const buffer = super.allocate(heap, length, name);
    assert.equal(buffer.length, Math.ceil(length / PAGE_BYTES) * PAGE_BYTES);
    return buffer;
  }

  #check(view: BufferView, buffer: DmaBuf): boolean {
    const bytes = this.#bytesOf(buffer);
    if (bytes === undefined) return false;
    assertSameBytes(view, buffer.length, bytes);
    return true;
  }
}

/**
 * That a view has each page of a buffer at its place, both ways, up to its last byte. What is in
 * the buffer is in it afterwards.
 */
export function assertSameBytes(view: BufferView, lengthBytes: number, bytes: BufferBytes): void {
  assert.equal(view.length, lengthBytes);
  const array = view.subarray(0, lengthBytes);
  for (const offset of lastBytesOfPages(lengthBytes)) assert.equal(array[offset], bytes.read(offset), `byte ${offset}`);
  const before = lastBytesOfPages(lengthBytes).map((offset) => array[offset] ?? Number.NaN);
  for (const [index, offset] of lastBytesOfPages(lengthBytes).entries()) array[offset] = stampOf(index);
  for (const [index, offset] of lastBytesOfPages(lengthBytes).entries()) {
    assert.equal(bytes.read(offset), stampOf(index), `byte ${offset}, written by the driver`);
    bytes.write(offset, 255 - stampOf(index));
  }
  for (const [index, offset] of lastBytesOfPages(lengthBytes).entries()) {
    assert.equal(array[offset], 255 - stampOf(index), `byte ${offset}, written to the page`);
    array[offset] = before[index] ?? Number.NaN;
  }
}

/** Neighbours differ, and so do pages that are a power of two apart. */
function stampOf(pageIndex: number): number {
  return 1 + (pageIndex % 127);
}

function lastBytesOfPages(lengthBytes: number): number[] {
  return Array.from(
    { length: Math.ceil(lengthBytes / PAGE_BYTES) },
    (_, index) => Math.min((index + 1) * PAGE_BYTES, lengthBytes) - 1,
  );
}
