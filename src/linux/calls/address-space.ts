import {
  MAP_ANONYMOUS,
  MAP_FIXED_NOREPLACE,
  MAP_NORESERVE,
  MAP_PRIVATE,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from '../../uapi/mman.ts';
import { CheckedCalls } from './checked-calls.ts';
import { kernelCalls } from './kernel-calls.ts';
import type { RawCalls } from './kernel-calls.ts';
import { ResourceLimits } from './resource-limits.ts';
import type { LimitName } from './resource-limits.ts';

/** The precision of {@link AddressSpace.roomUpTo}, as a share of the wanted bytes. */
const EXACTNESS = 1 / 1024;

/** Private memory that is not committed. */
const RESERVED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

/** The room that the process's own limits leave in its address space. */
export class AddressSpace extends CheckedCalls {
  readonly #limits: ResourceLimits;

  constructor(raw: RawCalls = kernelCalls, limits: ResourceLimits = new ResourceLimits(raw)) {
    super(raw);
    this.#limits = limits;
  }

  /**
   * Whether a limit is set. Without one, the processor's address space is the limit, and V8 reports
   * that in time.
   */
  get isLimited(): boolean {
    return (
      this.#limits.bytesOf('RLIMIT_AS') !== undefined ||
      // Private writable memory counts against the limit, and V8 takes such memory for a window
      // before a file is mapped over it (mm/mmap.c, may_expand_vm).
      this.#limits.bytesOf('RLIMIT_DATA') !== undefined
    );
  }

  /**
   * Whether `length` bytes could be mapped now. Tried rather than computed: only `/proc` shows how
   * much is in use.
   */
  hasRoomFor(length: number): boolean {
    return this.#canMap(length, PROT_READ | PROT_WRITE);
  }

  /**
   * The limit that stands against `length` bytes more, and its value in bytes. Undefined where no
   * limit of the process does.
   */
  limitAgainst(length: number): { readonly name: LimitName; readonly bytes: number } | undefined {
    // Memory without access counts as address space only.
    const name = this.#canMap(length, PROT_NONE) ? 'RLIMIT_DATA' : 'RLIMIT_AS';
    const bytes = this.#limits.bytesOf(name);
    return bytes === undefined ? undefined : { name, bytes };
  }

  /**
   * How many bytes could be mapped now, up to `wanted`, as mappings of files. Takes a few calls.
   */
  roomUpTo(wanted: number): number {
    if (this.#canMap(wanted, PROT_NONE)) return wanted;
    let [room, tooMuch] = [0, wanted];
    while (tooMuch - room > wanted * EXACTNESS) {
      const middle = Math.ceil((room + tooMuch) / 2);
      if (this.#canMap(middle, PROT_NONE)) room = middle;
      else tooMuch = middle;
    }
    return room;
  }

  /**
   * Runs `reserve`, which maps `length` bytes at an address of the kernel's choice, so that they
   * begin at a multiple of `alignment`, if possible. The kernel maps top-down, each mapping below
   * the one before. So this occupies the space above the aligned address while `reserve` runs.
   * Another thread that maps at the same moment, or a gap elsewhere, can defeat it.
   */
  reserveAligned<Result>(length: number, alignment: number, reserve: () => Result): Result {
    const address = this.raw.mmap(0, length, PROT_NONE, RESERVED, -1, 0);
    if (address < 0) return reserve();
    this.checked('munmap', this.raw.munmap(address, length), { length });
    const excess = address % alignment;
    if (excess === 0) return reserve();
    const place = address + length - excess;
    const spacer = this.raw.mmap(place, excess, PROT_NONE, RESERVED | MAP_FIXED_NOREPLACE, -1, 0);
    try {
      return reserve();
    } finally {
      if (spacer >= 0) this.checked('munmap', this.raw.munmap(spacer, excess), { length: excess });
    }
  }

  #canMap(length: number, protection: number): boolean {
    const address = this.raw.mmap(0, length, protection, RESERVED, -1, 0);
    if (address < 0) return false;
    this.checked('munmap', this.raw.munmap(address, length), { length });
    return true;
  }
}
