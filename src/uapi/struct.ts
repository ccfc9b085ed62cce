import { assert } from '../base/assert.ts';
import { roundUp } from '../base/quantities.ts';

/** The C integers that the kernel's structs here are made of, each as long as it is aligned. */
const INTEGER_BYTES = { s16: 2, u16: 2, u32: 4, s32: 4, u64: 8 } as const;

type IntegerType = keyof typeof INTEGER_BYTES;
/** `char name[32]`: text with a closing NUL. */
type FieldType = IntegerType | 'char[32]';

const TEXT_BYTES = 32;

/** A kernel struct: where its fields lie, and how values get in and out of its bytes. */
export interface StructSchema<Name extends string, TextName extends string = never> {
  /** `sizeof`, in bytes. */
  readonly size: number;
  /** `offsetof`, in bytes. */
  readonly offsets: Readonly<Record<Name | TextName, number>>;
  /** The struct's bytes, with zero for every field that is not given. */
  write(values: Partial<Record<Name, number> & Record<TextName, string>>): Uint8Array;
  read(bytes: Uint8Array): Record<Name, number> & Record<TextName, string>;
}

interface StructOptions {
  /** `__attribute__((packed))`: no field is aligned. */
  readonly packed?: boolean;
}

interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly offset: number;
}

type NamesOfType<Fields, Type> = {
  [Name in keyof Fields]: Fields[Name] extends Type ? Name & string : never;
}[keyof Fields];

/** Describes a struct by its fields in order, laid out as C does on a 64-bit machine: each field aligned to its own size. */
export function defineStruct<const Fields extends Readonly<Record<string, FieldType>>>(
  fields: Fields,
  options: StructOptions = {},
): StructSchema<NamesOfType<Fields, IntegerType>, NamesOfType<Fields, 'char[32]'>> {
  type Schema = StructSchema<NamesOfType<Fields, IntegerType>, NamesOfType<Fields, 'char[32]'>>;
  const { layout, size } = layOut(fields, options.packed === true);
  return {
    size,
    offsets: Object.fromEntries(layout.map(({ name, offset }) => [name, offset])) as Schema['offsets'],
    write(values) {
      const bytes = new Uint8Array(size);
      for (const field of layout) writeField(bytes, field, (values as Record<string, number | string>)[field.name]);
      return bytes;
    },
    read(bytes) {
      assert(bytes.length >= size, 'A struct is read from as many bytes as it has');
      return Object.fromEntries(layout.map((field) => [field.name, readField(bytes, field)])) as ReturnType<
        Schema['read']
      >;
    },
  };
}

function layOut(fields: Readonly<Record<string, FieldType>>, packed: boolean): { layout: Field[]; size: number } {
  const layout: Field[] = [];
  let end = 0;
  let alignment = 1;
  for (const [name, type] of Object.entries(fields)) {
    const bytes = type === 'char[32]' ? TEXT_BYTES : INTEGER_BYTES[type];
    const alignedTo = packed || type === 'char[32]' ? 1 : bytes;
    const offset = roundUp(end, alignedTo);
    layout.push({ name, type, offset });
    end = offset + bytes;
    alignment = Math.max(alignment, alignedTo);
  }
  return { layout, size: roundUp(end, alignment) };
}

// The kernel reads structs in the machine's own byte order, which is little-endian wherever Node runs on Linux but s390x.
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function writeField(bytes: Uint8Array, { type, offset }: Field, value: number | string = 0): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (typeof value === 'string') writeText(bytes, offset, value);
  else if (type === 'u64') view.setBigUint64(offset, BigInt(value), LITTLE_ENDIAN);
  else if (type === 's16') view.setInt16(offset, value, LITTLE_ENDIAN);
  else if (type === 'u16') view.setUint16(offset, value, LITTLE_ENDIAN);
  else if (type === 's32') view.setInt32(offset, value, LITTLE_ENDIAN);
  else if (type === 'u32') view.setUint32(offset, value, LITTLE_ENDIAN);
}

function readField(bytes: Uint8Array, { type, offset }: Field): number | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (type === 'char[32]') return readText(bytes, offset);
  if (type === 'u64') return Number(view.getBigUint64(offset, LITTLE_ENDIAN));
  if (type === 's16') return view.getInt16(offset, LITTLE_ENDIAN);
  if (type === 'u16') return view.getUint16(offset, LITTLE_ENDIAN);
  return type === 's32' ? view.getInt32(offset, LITTLE_ENDIAN) : view.getUint32(offset, LITTLE_ENDIAN);
}

function writeText(bytes: Uint8Array, offset: number, text: string): void {
  const encoded = new TextEncoder().encode(text);
  assert(encoded.length < TEXT_BYTES, 'A text leaves room for its closing NUL');
  bytes.set(encoded, offset);
}

function readText(bytes: Uint8Array, offset: number): string {
  // A copy: TextDecoder refuses shared memory.
  const field = Uint8Array.from(bytes.subarray(offset, offset + TEXT_BYTES));
  const end = field.indexOf(0);
  return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
}
