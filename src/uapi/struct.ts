import { assert } from '../base/assert.ts';
import { roundUp } from '../base/quantities.ts';

/** The C types that the kernel's structs here are made of, each as long as it is aligned. */
const FIELD_BYTES = { s16: 2, u32: 4, s32: 4, u64: 8 } as const;

type FieldType = keyof typeof FIELD_BYTES;

/** A kernel struct: where its fields lie, and how values get in and out of its bytes. */
export interface StructSchema<Name extends string> {
  /** `sizeof`, in bytes. */
  readonly size: number;
  /** `offsetof`, in bytes. */
  readonly offsets: Readonly<Record<Name, number>>;
  /** The struct's bytes, with zero for every field that is not given. */
  write(values: Partial<Record<Name, number>>): Uint8Array;
  read(bytes: Uint8Array): Record<Name, number>;
}

/** Describes a struct by its fields in order, laid out as C does on a 64-bit machine: each field aligned to its own size. */
export function defineStruct<const Fields extends Readonly<Record<string, FieldType>>>(
  fields: Fields,
): StructSchema<keyof Fields & string> {
  type Name = keyof Fields & string;
  const entries = Object.entries(fields) as [Name, FieldType][];
  const offsets: Partial<Record<Name, number>> = {};
  let end = 0;
  let alignment = 1;
  for (const [name, type] of entries) {
    offsets[name] = roundUp(end, FIELD_BYTES[type]);
    end = roundUp(end, FIELD_BYTES[type]) + FIELD_BYTES[type];
    alignment = Math.max(alignment, FIELD_BYTES[type]);
  }
  const size = roundUp(end, alignment);
  return {
    size,
    offsets: offsets as Record<Name, number>,
    write(values) {
      const bytes = new Uint8Array(size);
      for (const [name, type] of entries)
        writeField(bytes, { offset: offsets[name] as number, type, value: values[name] ?? 0 });
      return bytes;
    },
    read(bytes) {
      assert(bytes.length >= size, 'A struct is read from as many bytes as it has');
      const values = entries.map(([name, type]) => [name, readField(bytes, offsets[name] as number, type)]);
      return Object.fromEntries(values) as Record<Name, number>;
    },
  };
}

// The kernel reads structs in the machine's own byte order, which is little-endian wherever Node runs on Linux but s390x.
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function writeField(bytes: Uint8Array, field: { offset: number; type: FieldType; value: number }): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (field.type === 'u64') view.setBigUint64(field.offset, BigInt(field.value), LITTLE_ENDIAN);
  else if (field.type === 's16') view.setInt16(field.offset, field.value, LITTLE_ENDIAN);
  else if (field.type === 's32') view.setInt32(field.offset, field.value, LITTLE_ENDIAN);
  else view.setUint32(field.offset, field.value, LITTLE_ENDIAN);
}

function readField(bytes: Uint8Array, offset: number, type: FieldType): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (type === 'u64') return Number(view.getBigUint64(offset, LITTLE_ENDIAN));
  if (type === 's16') return view.getInt16(offset, LITTLE_ENDIAN);
  return type === 's32' ? view.getInt32(offset, LITTLE_ENDIAN) : view.getUint32(offset, LITTLE_ENDIAN);
}
