/** Values as PipeWire sends them (spa/pod/pod.h): a size, a type, and a body padded to 8 bytes. */

import { protocolError } from './protocol-error.ts';

/** SPA_TYPE_* of spa/utils/type.h. */
const TYPE = {
  none: 1,
  bool: 2,
  id: 3,
  int: 4,
  long: 5,
  string: 8,
  rectangle: 10,
  fraction: 11,
  array: 13,
  struct: 14,
  object: 15,
  fd: 18,
  choice: 19,
  pod: 20,
} as const;

/** SPA_CHOICE_* of spa/pod/pod.h. */
const CHOICE = { none: 0, range: 1, enum: 3, flags: 4 } as const;

const HEADER_BYTES = 8;
const ALIGNMENT = 8;
/** Before the first value of a choice: its kind, flags, and the size and type of a value. */
const CHOICE_HEADER_BYTES = 16;
/** Before the first property of an object: its type and id. */
const OBJECT_HEADER_BYTES = 8;
/** Before the value of a property: its key and flags. */
const PROPERTY_HEADER_BYTES = 8;

/** A value that was received, not read yet. */
export interface Pod {
  readonly type: number;
  readonly body: Buffer;
}

/** An object that was received. */
interface PodObject {
  readonly id: number;
  readonly properties: ReadonlyMap<number, Pod>;
}

/**
 * The first value in these bytes.
 *
 * @throws {DmaBufError} `EPROTO` where it does not lie in them
 */
export function readPod(bytes: Buffer): Pod {
  const [pod] = cutPods(bytes, 1);
  if (pod === undefined) throw protocolError('a value is missing');
  return pod;
}

/** The values of a struct. */
export function readStruct(pod: Pod | undefined): Pod[] {
  return cutPods(bodyOf(pod, TYPE.struct, 0));
}

export function readObject(pod: Pod | undefined): PodObject {
  const body = bodyOf(pod, TYPE.object, OBJECT_HEADER_BYTES);
  const properties = new Map<number, Pod>();
  for (let at = OBJECT_HEADER_BYTES; at + PROPERTY_HEADER_BYTES < body.length;) {
    const value = readPod(body.subarray(at + PROPERTY_HEADER_BYTES));
    properties.set(body.readUInt32LE(at), value);
    at += PROPERTY_HEADER_BYTES + HEADER_BYTES + padded(value.body.length);
  }
  return { id: body.readUInt32LE(4), properties };
}

/** Whether it is an object: what is taken away is a value of type None. */
export function isObject(pod: Pod | undefined): boolean {
  return pod?.type === TYPE.object;
}

/** An Int, an Id, or a Bool, unsigned. */
export function readNumber(pod: Pod | undefined): number {
  const { type, body } = unwrap(pod);
  const isNumber = type === TYPE.int || type === TYPE.id || type === TYPE.bool;
  if (!isNumber || body.length < 4) throw protocolError(`a value of type ${type} is in the place of a number`);
  return body.readUInt32LE(0);
}

/** The place of a descriptor among those of its message. */
export function readFdIndex(pod: Pod | undefined): number {
  return Number(bodyOf(pod, TYPE.fd, 8).readBigInt64LE(0));
}

export function readText(pod: Pod | undefined): string {
  const body = bodyOf(pod, TYPE.string, 1);
  const end = body.indexOf(0);
  return body.toString('utf8', 0, end === -1 ? body.length : end);
}

/** A rectangle or a fraction. */
export function readPair(pod: Pod | undefined): readonly [number, number] {
  const { type, body } = unwrap(pod);
  if ((type !== TYPE.rectangle && type !== TYPE.fraction) || body.length < 8)
    throw protocolError(`a value of type ${type} is in the place of a size`);
  return [body.readUInt32LE(0), body.readUInt32LE(4)];
}

export function int(value: number): Buffer {
  return pod(TYPE.int, words(value));
}

export function id(value: number): Buffer {
  return pod(TYPE.id, words(value));
}

export function bool(value: boolean): Buffer {
  return pod(TYPE.bool, words(value ? 1 : 0));
}

export function long(value: bigint): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigInt64LE(value);
  return pod(TYPE.long, body);
}

export function text(value: string): Buffer {
  return pod(TYPE.string, Buffer.from(`${value}\0`));
}

export function struct(...values: readonly Buffer[]): Buffer {
  return pod(TYPE.struct, Buffer.concat(values));
}

export function object(type: number, objectId: number, properties: readonly (readonly [number, Buffer])[]): Buffer {
  const values = properties.flatMap(([key, value]) => [words(key, 0), value]);
  return pod(TYPE.object, Buffer.concat([words(type, objectId), ...values]));
}

/** Names with values, as structs have them. */
export function dictionary(entries: Readonly<Record<string, string>>): Buffer[] {
  const pairs = Object.entries(entries);
  return [int(pairs.length), ...pairs.flatMap(([key, value]) => [text(key), text(value)])];
}

/** One of these Ids, the first by preference. */
export function idAmong(values: readonly number[]): Buffer {
  return choice(CHOICE.enum, TYPE.id, [words(values[0] ?? 0), ...values.map((value) => words(value))]);
}

/** An Int: what is preferred, the least, and the most. */
export function intBetween(preferred: number, min: number, max: number): Buffer {
  return choice(CHOICE.range, TYPE.int, [words(preferred), words(min), words(max)]);
}

/** Bits of an Int. */
export function intFlags(value: number): Buffer {
  return choice(CHOICE.flags, TYPE.int, [words(value)]);
}

export function rectangle(width: number, height: number): Buffer {
  return pod(TYPE.rectangle, words(width, height));
}

/** A rectangle: what is preferred, the least, and the most. */
export function rectangleBetween(...sizes: readonly [Pair, Pair, Pair]): Buffer {
  return choice(
    CHOICE.range,
    TYPE.rectangle,
    sizes.map(([width, height]) => words(width, height)),
  );
}

/** A fraction: what is preferred, the least, and the most. */
export function fractionBetween(...fractions: readonly [Pair, Pair, Pair]): Buffer {
  return choice(
    CHOICE.range,
    TYPE.fraction,
    fractions.map(([above, below]) => words(above, below)),
  );
}

type Pair = readonly [number, number];

function choice(kind: number, type: number, values: readonly Buffer[]): Buffer {
  const size = values[0]?.length ?? 0;
  return pod(TYPE.choice, Buffer.concat([words(kind, 0, size, type), ...values]));
}

function pod(type: number, body: Buffer): Buffer {
  const padding = Buffer.alloc(padded(body.length) - body.length);
  return Buffer.concat([words(body.length, type), body, padding]);
}

function words(...values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function cutPods(bytes: Buffer, countMax = Number.POSITIVE_INFINITY): Pod[] {
  const pods: Pod[] = [];
  for (let at = 0; at < bytes.length && pods.length < countMax;) {
    const size = at + HEADER_BYTES > bytes.length ? Number.POSITIVE_INFINITY : bytes.readUInt32LE(at);
    const start = at + HEADER_BYTES;
    if (start + size > bytes.length) throw protocolError(`a value of ${size} bytes does not fit into ${bytes.length}`);
    pods.push({ type: bytes.readUInt32LE(at + 4), body: bytes.subarray(start, start + size) });
    at = start + padded(size);
  }
  return pods;
}

function bodyOf(pod: Pod | undefined, type: number, lengthMin: number): Buffer {
  if (pod?.type !== type) throw protocolError(`a value of type ${pod?.type} is in the place of one of type ${type}`);
  if (pod.body.length < lengthMin) throw protocolError(`a value of type ${type} has ${pod.body.length} bytes`);
  return pod.body;
}

/** Values that are fixed come as choices of kind None, with one value. */
function unwrap(pod: Pod | undefined): Pod {
  if (pod === undefined) throw protocolError('a value is missing');
  if (pod.type !== TYPE.choice) return pod;
  const body = bodyOf(pod, TYPE.choice, CHOICE_HEADER_BYTES);
  if (body.readUInt32LE(0) !== CHOICE.none) throw protocolError('a value is still to be chosen');
  return { type: body.readUInt32LE(12), body: body.subarray(CHOICE_HEADER_BYTES) };
}
