import { OwnedFd } from '../linux/calls/fd.ts';
import { protocolError } from './protocol-error.ts';
import { MEMORIES_MAX } from './unixfd-command.ts';

/**
 * A stream of Node may keep the bytes of a turn before it gives any. These are more frames than a
 * turn takes (`DescriptorStream`).
 */
const FRAMES_A_TURN = 128;
const WAITING_MAX = (FRAMES_A_TURN + 1) * MEMORIES_MAX;

/**
 * The descriptors that came and that no frame has taken yet. They come no later than the bytes of
 * the frame that they belong to.
 */
export class ReceivedDescriptors {
  readonly #fds: OwnedFd[] = [];

  /**
   * Takes ownership.
   *
   * @throws {DmaBufError} `EPROTO` for more than the frames that are under way can have
   */
  add(numbers: readonly number[]): void {
    for (const number of numbers) this.#fds.push(OwnedFd.adopt(number));
    if (this.#fds.length > WAITING_MAX) throw protocolError(`${this.#fds.length} descriptors came that no frame takes`);
  }

  /**
   * The next ones, which the caller owns.
   *
   * @throws {DmaBufError} `EPROTO` where fewer came
   */
  take(count: number): OwnedFd[] {
    if (this.#fds.length < count)
      throw protocolError(`${this.#fds.length} descriptors came with a frame of ${count} memories`);
    return this.#fds.splice(0, count);
  }

  /** Closes what no frame took. Nobody knows what they are. */
  close(): void {
    for (const fd of this.#fds.splice(0)) fd.closeAside();
  }
}
