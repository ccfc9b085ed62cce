import { REUSES_COLLECTED_RANGES } from '../base/engine-memory.ts';
import { assert } from '../base/assert.ts';
import { DmaBufError } from '../base/errors.ts';
import { ADDRESS_SPACE_KEPT_FREE, WINDOW_BYTES_MAX } from '../base/limits.ts';
import { roundUp, toAddress, toByteLength } from '../base/quantities.ts';
import type { Address, ByteLength } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
import { collector } from '../base/collector.ts';
import { AddressSpace } from '../linux/calls/address-space.ts';
import type { MemoryRange } from '../linux/calls/memory-calls.ts';
import { limitRemedy } from '../linux/calls/resource-limits.ts';
import { addressOf } from '../linux/calls/kernel-calls.ts';
import { hugePageBytesOf } from './huge-part.ts';

/**
 * Of a chunk that glibc's `malloc` has mapped for itself (malloc/malloc.c, sysmalloc_mmap), and
 * unmaps when it is freed. Other allocators, such as jemalloc, keep the range.
 */
const MAPPED_CHUNK_HEADER_BYTES = 16;

/** The key by which a window's SharedArrayBuffer references the buffers it shows. */
const OWNERS = Symbol('dmabuf.owners');

interface OwnedMemory {
  [OWNERS]?: Set<object>;
}

/**
 * Keeps `owner` from the collector while `memory`, a SharedArrayBuffer or a wasm memory, is in use
 * in this thread. So an array alone keeps its buffer alive.
 */
export function keepAliveWith(memory: object, owner: object): void {
  const owned = memory as OwnedMemory;
  if (owned[OWNERS] === undefined) Object.defineProperty(owned, OWNERS, { value: new Set() });
  owned[OWNERS]?.add(owner);
}

/**
 * Address space that JavaScript can see, page-aligned and not committed. Windows are mapped over
 * it.
 */
export interface WindowMemory {
  readonly shared: SharedArrayBuffer;
  /** The start of the window in `shared`: 0, except above 4 GiB. */
  readonly byteOffset: number;
  readonly address: Address;
  /** In bytes, as asked for: a window is mapped up to the end of its last page. */
  readonly length: ByteLength;
  /** Whether its range may be handed out again, as it is, once nothing refers to `shared`. */
  readonly isRecycled?: boolean;
}

/** The whole pages of a window. */
export interface WindowRange extends MemoryRange {
  /**
   * What keeps the memory, where its range may be handed out again: whoever has to unmap it keeps
   * this. It does not lead to what users have. Absent where collected memory is unmapped.
   */
  readonly kept?: ArrayBuffer | SharedArrayBuffer;
}

export function mappedRange({ shared, address, length, isRecycled }: WindowMemory, pageSize: ByteLength): WindowRange {
  const range = { address, length: toByteLength(roundUp(length, pageSize)) };
  return isRecycled === true ? { ...range, kept: structuredClone(shared) } : range;
}

/**
 * Reserves the address space of a window of `length` bytes, in whole pages.
 *
 * Up to 4 GiB it is a SharedArrayBuffer with `maxByteLength`, which V8 gets directly from the
 * kernel: page-aligned and of exactly its size. Larger ones cannot have that and come from
 * `calloc`, so they get extra bytes for alignment.
 *
 * A window large enough for a huge page begins at a multiple of its size, if possible: only there
 * can huge pages of the file be mapped whole.
 *
 * @throws {DmaBufError} `ENOMEM` when the address space does not suffice
 */
export function reserveWindowMemory(length: ByteLength, pageSize: ByteLength): WindowMemory {
  const mappedBytes = toByteLength(roundUp(length, pageSize));
  checkAddressSpace(mappedBytes);
  const small = mappedBytes <= WINDOW_BYTES_MAX;
  const hugePageBytes = hugePageBytesOf(pageSize);
  const alignment = mappedBytes < hugePageBytes ? pageSize : hugePageBytes;
  const shared = small ? createSmall(mappedBytes, { alignment, pageSize }) : createShared(mappedBytes + alignment);
  const start = startOf(shared);
  const byteOffset = small ? 0 : (alignment - (start % alignment)) % alignment;
  const address = toAddress(start + byteOffset);
  assert(address % pageSize === 0, 'A window must start on a page');
  const isRecycled = REUSES_COLLECTED_RANGES || (!small && start % pageSize !== MAPPED_CHUNK_HEADER_BYTES);
  return { shared, byteOffset, address, length, isRecycled };
}

const addressSpace = new AddressSpace();

/** Reads a byte of every page of a window, which faults in each page and writes to none. */
export function readEveryPage({ shared, byteOffset, length }: WindowMemory, pageSize: ByteLength): void {
  for (let offset = 0; offset < length; offset += pageSize) {
    // Atomics, because a compiler does not remove them.
    Atomics.load(new Uint8Array(shared, byteOffset + offset, 1), 0);
  }
}

/**
 * V8 collects garbage before it reports that memory is exhausted, and ends the process when it has
 * no memory for that.
 */
function checkAddressSpace(byteLength: ByteLength): void {
  const needed = byteLength + ADDRESS_SPACE_KEPT_FREE;
  if (!addressSpace.isLimited || addressSpace.hasRoomFor(needed)) return;
  // Closed windows keep their address range until V8 collects them, which it delays.
  collector.collect();
  if (!addressSpace.hasRoomFor(needed)) throw noAddressSpace(byteLength);
}

function noAddressSpace(byteLength: number, cause?: unknown): DmaBufError {
  const limit = addressSpace.limitAgainst(byteLength + ADDRESS_SPACE_KEPT_FREE);
  const why = limit === undefined ? '' : ` as ${limit.name} is ${formatSize(limit.bytes)}`;
  return new DmaBufError(
    `Cannot reserve ${formatSize(byteLength)} of address space${why}: close views, or ${limitRemedy(limit?.name ?? 'RLIMIT_AS')}`,
    {
      code: 'ENOMEM',
      syscall: 'mmap',
      values: {
        byteLength,
        keptFree: ADDRESS_SPACE_KEPT_FREE,
        ...(limit === undefined ? {} : { limit: limit.bytes, limitedBy: limit.name }),
      },
      cause,
    },
  );
}

/** Of exactly that length. */
function createSmall(
  length: ByteLength,
  { alignment, pageSize }: { alignment: number; pageSize: number },
): SharedArrayBuffer {
  const create = (): SharedArrayBuffer => createShared(length, { maxByteLength: length });
  if (alignment === pageSize) return create();
  if (length % alignment === 0) {
    // Since 6.7, the kernel by itself aligns whole huge pages (mm/mmap.c, __get_unmapped_area). A
    // rejected attempt stays until it is collected, so there are no attempts where addresses are
    // scarce.
    const shared = create();
    if (startOf(shared) % alignment === 0 || addressSpace.isLimited) return shared;
  }
  return addressSpace.reserveAligned(length, alignment, create);
}

function startOf(shared: SharedArrayBuffer): number {
  return addressOf(new Uint8Array(shared, 0, 1));
}

function createShared(byteLength: number, options?: { maxByteLength: number }): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(byteLength, options);
  } catch (cause) {
    throw noAddressSpace(byteLength, cause);
  }
}
