/**
 * Typed arrays, read by the platform's own getters. A subclass, or a property put on an array,
 * would run the caller's code between a check and its use. Typed arrays of another realm
 * (`vm.runInNewContext`, Jest) are accepted.
 */

import { wrongValue } from './argument-error.ts';
import type { Argument } from './argument-error.ts';

/** Where a typed array lies in its buffer. A detached one has no length. */
interface ArrayPlace {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  /** In elements. */
  readonly length: number;
}

function getterOf<Name extends keyof ArrayPlace>(name: Name): (this: object) => ArrayPlace[Name] {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype) as object;
  // eslint-disable-next-line typescript/unbound-method -- called with the array, below
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: object) => ArrayPlace[Name];
}

const readBuffer = getterOf('buffer');
const readByteOffset = getterOf('byteOffset');
const readLength = getterOf('length');

// eslint-disable-next-line typescript/unbound-method -- called with the memory, below
const readSharedLength = Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, 'byteLength')?.get as (
  this: object,
) => number;

/** In bytes. Runs no code of the caller. */
export function byteLengthOfShared(shared: SharedArrayBuffer): number {
  return readSharedLength.call(shared);
}

/** The place of a typed array in its buffer. Runs no code of the caller. */
export function placeOf(array: ArrayBufferView): ArrayPlace {
  return { buffer: readBuffer.call(array), byteOffset: readByteOffset.call(array), length: readLength.call(array) };
}

/**
 * A copy in memory of its own. Runs no code of the caller.
 *
 * @throws {TypeError} for an array whose memory was transferred away
 */
export function copyOfBytes(bytes: Uint8Array, argument: Argument): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch {
    throw wrongValue(argument, { must: 'not be detached', received: bytes });
  }
}
