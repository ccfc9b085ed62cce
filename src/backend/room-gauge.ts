import { DmaBufError } from '../base/errors.ts';
import { formatSize } from '../base/sizes.ts';
import type { MemoryRoom } from '../linux/memory-room.ts';

/**
 * Reading the room takes 0.5 ms, as long as a warm frame lives, and a small allocation 6 µs: so a reading is good for this share of what it
 * found free, for this long. Others can take memory meanwhile, but not be robbed of more than this share.
 */
const CREDIT_SHARE = 1 / 16;
const CREDIT_MS = 1000;

/** An allocation that will commit memory once it is touched. */
interface RoomRequest {
  /** The buffer's length. */
  readonly length: number;
  /** What the buffer itself can commit: less than its length where it gets warm pages. */
  readonly newBytes: number;
  /** What other buffers of the heap can still commit. Asked only when the room is read anew: it takes a call a buffer. */
  pledgedBytes(): number;
}

/**
 * Keeps a heap from promising memory that the machine, or the control group, does not have. Pages are committed when they are
 * touched, and there it is too late: past a control group's limit the kernel answers with SIGKILL alone.
 */
export class RoomGauge {
  readonly #heapName: string;
  readonly #readRoom: () => MemoryRoom;
  #creditBytes = 0;
  #readAtMs = 0;

  /** @param readRoom how much the heap's memory may grow */
  constructor(heapName: string, readRoom: () => MemoryRoom) {
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
