import { DmaBufError } from '../base/errors.ts';
import { formatSize } from '../base/sizes.ts';
import type { AvailableMemory } from '../linux/proc/available-memory.ts';

/**
 * Reading the room takes 0.5 ms, the lifetime of a cached frame, and a small allocation takes 6 µs.
 * So a reading stays valid for this long, and for allocations up to this share of the room it
 * found. Other processes can take memory meanwhile, but lose no more than this share.
 */
const CREDIT_SHARE = 1 / 16;
const CREDIT_MS = 1000;

/** An allocation that will commit memory once it is touched. */
interface RoomRequest {
  /** The buffer's length. */
  readonly length: number;
  /**
   * The most that the buffer itself can commit: less than its length where it gets cached pages.
   */
  readonly newBytes: number;
  /**
   * The most that other buffers of the heap can still commit. Called only when the room is read
   * anew, because it takes a call per buffer.
   */
  pledgedBytes(): number;
}

/**
 * Keeps a heap from promising memory that the machine, or the control group, does not have. Pages
 * are committed when they are touched, which is too late for an error: beyond a control group's
 * limit the kernel only sends SIGKILL.
 */
export class CommitLimiter {
  readonly #heapName: string;
  readonly #readRoom: () => AvailableMemory;
  #creditBytes = 0;
  #readAtMs = 0;

  /** @param readRoom how much the heap's memory may grow */
  constructor(heapName: string, readRoom: () => AvailableMemory) {
    this.#heapName = heapName;
    this.#readRoom = readRoom;
  }

  /** @throws {DmaBufError} `ENOMEM` when there is no room */
  check(request: RoomRequest): void {
    const { length, newBytes } = request;
    if (newBytes <= this.#creditBytes && performance.now() - this.#readAtMs < CREDIT_MS) {
      this.#creditBytes -= newBytes;
      return;
    }
    const room = this.#readRoom();
    const pledgedBytes = request.pledgedBytes();
    const leftBytes = room.bytes - pledgedBytes - newBytes;
    this.#creditBytes = Math.max(0, leftBytes * CREDIT_SHARE);
    this.#readAtMs = performance.now();
    if (leftBytes >= 0) return;
    throw new DmaBufError(
      `Cannot allocate ${formatSize(length)} from heap "${this.#heapName}" as ${room.limitedBy} leaves room for ` +
        `${formatSize(room.bytes)}${pledgedBytes === 0 ? '' : `, of which ${formatSize(pledgedBytes)} are pledged to buffers not yet touched`}: ` +
        'close buffers, or give the process more memory',
      { code: 'ENOMEM', values: { length, roomBytes: room.bytes, pledgedBytes, limitedBy: room.limitedBy } },
    );
  }
}
