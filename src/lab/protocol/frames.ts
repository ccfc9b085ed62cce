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

/** Cuts a stream into its frames, however its bytes arrive. */
export class FrameReader {
  #bytes = new Uint8Array(0);

  /** @throws {RangeError} for what is no frame of the lab */
  push(chunk: Uint8Array): Frame[] {
    const bytes = new Uint8Array(this.#bytes.length + chunk.length);
    bytes.set(this.#bytes);
    bytes.set(chunk, this.#bytes.length);
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD_BYTES) {
      const head = new DataView(bytes.buffer, at, FRAME_HEAD_BYTES);
      const length = head.getUint32(0, true);
      const kind = KINDS[head.getUint8(4)];
      if (kind === undefined || length > BODY_BYTES_MAX) throw new RangeError('The stream has what is no frame');
      const end = at + FRAME_HEAD_BYTES + length;
      if (end > bytes.length) break;
      frames.push({ kind, body: bytes.subarray(at + FRAME_HEAD_BYTES, end) });
      at = end;
    }
    this.#bytes = bytes.slice(at);
    return frames;
  }
}
