import { KiB } from '../base/sizes.ts';
import { protocolError } from './protocol-error.ts';
import { commandHeader } from './unixfd-command.ts';

/** A command of a stream. */
export interface ReceivedCommand {
  /** One of `COMMAND`, or one that is not known. */
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Metas of other kinds are skipped, but not without a limit. */
const PAYLOAD_BYTES_MAX = 64 * KiB;

/** Cuts a stream of bytes into commands. */
export class CommandReader {
  #bytes: Uint8Array = new Uint8Array(0);

  /**
   * The commands that are complete with these bytes.
   *
   * @throws {DmaBufError} `EPROTO` for a command that is too long
   */
  *read(bytes: Uint8Array): Generator<ReceivedCommand, void, undefined> {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    for (let next = this.#take(); next !== undefined; next = this.#take()) yield next;
  }

  #take(): ReceivedCommand | undefined {
    if (this.#bytes.length < commandHeader.size) return undefined;
    const { type, payloadBytes } = commandHeader.read(this.#bytes);
    if (payloadBytes > PAYLOAD_BYTES_MAX)
      throw protocolError(`it announces ${payloadBytes} bytes, of at most ${PAYLOAD_BYTES_MAX}`);
    const end = commandHeader.size + payloadBytes;
    if (this.#bytes.length < end) return undefined;
    const payload = this.#bytes.slice(commandHeader.size, end);
    this.#bytes = this.#bytes.subarray(end);
    return { type, payload };
  }
}
