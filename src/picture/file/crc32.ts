/** Node has `zlib.crc32` from 22.2 on, and this package runs on 20. */

/** The polynomial 0x04c11db7 with its bits reversed (PNG, third edition, annex D). */
const POLYNOMIAL = 0xed_b8_83_20;
const BITS_OF_BYTE = 8;
const BYTE_VALUES = 256;
const LOW_BYTE = 0xff;

const TABLE: Uint32Array = /* @__PURE__ */ Uint32Array.from({ length: BYTE_VALUES }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < BITS_OF_BYTE; bit += 1) {
    remainder = (remainder & 1) === 1 ? POLYNOMIAL ^ (remainder >>> 1) : remainder >>> 1;
  }
  return remainder;
});

/** The 32-bit checksum of PNG's chunks. */
export function crc32(bytes: Uint8Array): number {
  let remainder = -1;
  for (const byte of bytes) {
    remainder = (TABLE[(remainder ^ byte) & LOW_BYTE] as number) ^ (remainder >>> BITS_OF_BYTE);
  }
  return ~remainder >>> 0;
}
