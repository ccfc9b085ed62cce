/**
 * Writes one byte of each page: a page fault where the page is not mapped yet, a cache line where
 * it is.
 */
export function touchPages(bytes: Uint8Array, pageSize: number): void {
  for (let offset = 0; offset < bytes.length; offset += pageSize) bytes[offset] = 1;
}
