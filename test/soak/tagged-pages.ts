/**
 * Buffers of a soak have their tag in the first word of every page. A reader that finds another tag
 * sees another buffer's memory.
 */

export function writeTags(bytes: Uint8Array, tag: number, pageSize: number): void {
  const words = wordsOf(bytes);
  for (let index = 0; index < words.length; index += pageSize / Uint32Array.BYTES_PER_ELEMENT) words[index] = tag;
}

export function hasTags(bytes: Uint8Array, tag: number, pageSize: number): boolean {
  const words = wordsOf(bytes);
  for (let index = 0; index < words.length; index += pageSize / Uint32Array.BYTES_PER_ELEMENT)
    if (words[index] !== tag) return false;
  return true;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / Uint32Array.BYTES_PER_ELEMENT);
}
