/**
 * The stream from the lab to its page: frames of a head and a body. The head is the body's length
 * in bytes, as 32 bits with the lowest byte first, and one byte of kind.
 */

const FRAME_HEAD_BYTES = 5;
/** A page refuses more: no frame of the lab comes near. */
const BODY_BYTES_MAX = 256 * 1024 * 1024;

/**
 * What a frame's body is: JSON; blocks of the heap's pages (block-runs.ts); a picture as JPEG; or
 * its pixels, of four bytes each, red first, row by row.
 */
type FrameKind = 'json' | 'blocks' | 'jpeg' | 'pixels';
const KINDS: readonly FrameKind[] = ['json', 'blocks', 'jpeg', 'pixels'];

/** One frame. */
export interface Frame {
  readonly kind: FrameKind;
  readonly body: Uint8Array;
}

export function encodeFrame({ kind, body }: Frame): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + body.length);
  const head = new DataView(bytes.buffer);
  head.setUint32(0, body.length, true);
  head.setUint8(4, KINDS.indexOf(kind));
  bytes.set(body, FRAME_HEAD_BYTES);
  return bytes;
}

/** Cuts a stream into its frames, however its bytes arrive. Each byte is copied once. */
export class FrameReader {
  readonly #head = new Uint8Array(FRAME_HEAD_BYTES);
  #headLength = 0;
  /** The frame that has begun, and how much of its body has come. */
  #frame: Frame | undefined;
  #bodyLength = 0;

  /** @throws {RangeError} for what is no frame of the lab */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (let at = 0; at < chunk.length;) {
      at +=
        this.#frame === undefined
          ? this.#takeHead(chunk.subarray(at))
          : this.#takeBody(this.#frame, chunk.subarray(at));
      if (this.#frame === undefined || this.#bodyLength < this.#frame.body.length) continue;
      frames.push(this.#frame);
      this.#frame = undefined;
      this.#headLength = 0;
    }
    return frames;
  }

  /** @returns how many bytes it takes */
  #takeHead(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, FRAME_HEAD_BYTES - this.#headLength);
    this.#head.set(taken, this.#headLength);
    this.#headLength += taken.length;
    if (this.#headLength === FRAME_HEAD_BYTES) this.#begin();
    return taken.length;
  }

  #begin(): void {
    const head = new DataView(this.#head.buffer);
    const length = head.getUint32(0, true);
    const kind = KINDS[head.getUint8(4)];
    if (kind === undefined || length > BODY_BYTES_MAX) throw new RangeError('The stream has what is no frame');
    this.#frame = { kind, body: new Uint8Array(length) };
    this.#bodyLength = 0;
  }

  /** @returns how many bytes it takes */
  #takeBody({ body }: Frame, bytes: Uint8Array): number {
    const taken = bytes.subarray(0, body.length - this.#bodyLength);
    body.set(taken, this.#bodyLength);
    this.#bodyLength += taken.length;
    return taken.length;
  }
}
