/** Fields as USB has them in memory: little-endian, packed. */

/** The bytes of one field. */
type PackedField = readonly number[];

export function u8(value: number): PackedField {
  return [value & 0xff];
}

export function u16(value: number): PackedField {
  return [...u8(value), ...u8(value >>> 8)];
}

export function u32(value: number): PackedField {
  return [...u16(value), ...u16(value >>> 16)];
}

export function bytes(values: Iterable<number>): PackedField {
  return [...values];
}

/** The fields side by side, in the order in which they are named. */
export function pack(fields: Readonly<Record<string, PackedField>>): Uint8Array {
  return Uint8Array.from(Object.values(fields).flat());
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
