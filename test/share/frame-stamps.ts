/** Frames with their number in every page: a frame that is half another's is detected. */

const STEP_WORDS = 1024 / Uint32Array.BYTES_PER_ELEMENT;

/** Writes `stamp` into every KiB. */
export function stampFrame(bytes: Uint8Array, stamp: number): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / Uint32Array.BYTES_PER_ELEMENT);
  for (let at = 0; at < words.length; at += STEP_WORDS) words[at] = stamp;
}

/** The stamps that a frame shows: one, unless it is torn. */
export function stampsOf(bytes: Uint8Array): number[] {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / Uint32Array.BYTES_PER_ELEMENT);
  const stamps = new Set<number>();
  for (let at = 0; at < words.length; at += STEP_WORDS) stamps.add(words[at] ?? -1);
  return [...stamps];
}
