/** Invalid and hostile values, drawn from a seed. */

/* oxlint-disable unicorn/no-thenable, typescript/no-extraneous-class -- hostile values are what is made here */

import { runInNewContext } from 'node:vm';

import { DmaBuf } from '../../src/heap/dma-buf.ts';
import { Heap } from '../../src/heap/heap.ts';
import { OwnedFd } from '../../src/linux/calls/fd.ts';
import type { SeededRandom } from '../../src/base/seeded-random.ts';

/** The error of hostile values: the only one besides the package's that may come out of a call. */
export class HostileError extends Error {}

/**
 * The rejection of an async function. Where a callback's result has no meaning, no code handles it,
 * as with any emitter of events: the error is the caller's, and must not vanish.
 */
export class OwnRejection extends HostileError {}

function fail(): never {
  throw new HostileError('thrown by a hostile value');
}

const OPTION_NAMES =
  'signal name length populate shareable block capacity orders backends embedded fd offset pfn size width out pages count message mode shared buffers frame layout width height stride planes fourcc modifier bufferIndex separate'.split(
    ' ',
  );

const PRIMITIVES: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  1.5,
  4096,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e308,
  Number.NaN,
  Infinity,
  -Infinity,
  0n,
  1n,
  2n ** 64n,
  -1n,
  '',
  'system',
  'read',
  'write',
  'readwrite',
  'A',
  'dmabuf-handle',
  '[]',
  '[{"fd":1000000}]',
  '{',
  '1000000',
  '\0',
  '\0name',
  'with\0nul',
  '\uD800',
  'x'.repeat(100_000),
  '../../../dev/null',
  '.',
  Symbol('hostile'),
  Symbol.iterator,
];

const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];

const BUFFERS: readonly (() => ArrayBufferLike)[] = [
  () => new ArrayBuffer(64),
  () => new SharedArrayBuffer(64),
  () => new SharedArrayBuffer(64, { maxByteLength: 128 }),
  () => new ArrayBuffer(64, { maxByteLength: 128 }),
];

const OBJECTS: readonly ((random: SeededRandom) => unknown)[] = [
  () => ({}),
  () => [],
  () => Object.create(null),
  () => Object.freeze({ length: 4096 }),
  () => [1, , 3], // oxlint-disable-line no-sparse-arrays -- holes are the point
  () => Object.assign([], { length: 2 ** 32 - 1 }),
  () => ({ length: 2 ** 53 }),
  () => ({ length: -1, 0: 1 }),
  () => ({ length: 2 ** 31 - 1 }),
  (random) => ({ [draw(random, OPTION_NAMES)]: drawHostile(random) }),
  (random) => Object.defineProperty({}, draw(random, OPTION_NAMES), { enumerable: true, get: fail }),
  (random) => Array.from({ length: random.below(4) }, () => drawHostile(random)),
  () => ({ [Symbol.toPrimitive]: fail }),
  () => ({ toString: fail, valueOf: fail }),
  () => ({ [Symbol.iterator]: fail }),
  () => ({ [Symbol.iterator]: () => ({ next: fail }) }),
  () => ({ then: fail }),
  () => ({ then: (resolve: (value: unknown) => void) => resolve(1) }),
  () => Promise.resolve(1),
  () => rejected(),
  () => new Error('an error'),
  () => new Date(Number.NaN),
  () => new Map([[1, 2]]),
  () => new DataView(new ArrayBuffer(8)),
];

const PROXIES: readonly ((random: SeededRandom) => unknown)[] = [
  () => new Proxy({}, {}),
  () => new Proxy([], { get: fail }),
  () => new Proxy({}, { ownKeys: fail, getPrototypeOf: fail }),
  () => new Proxy([1, 2, 3], { get: (target, key) => (key === 'length' ? 2 ** 53 : Reflect.get(target, key)) }),
  () => new Proxy(() => {}, { apply: fail, construct: fail, get: fail }),
  (random) => new Proxy(objectOf(drawHostile(random)), {}),
  () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
];

const ARRAYS: readonly ((random: SeededRandom) => unknown)[] = [
  (random) => new (draw(random, TYPED_ARRAYS))(draw(random, BUFFERS)() as ArrayBuffer),
  (random) => {
    const array = new (draw(random, TYPED_ARRAYS))(16);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    return array;
  },
  (random) => {
    const buffer = new ArrayBuffer(64, { maxByteLength: 128 });
    const array = new (draw(random, TYPED_ARRAYS))(buffer);
    buffer.resize(8);
    return array;
  },
  (random) => {
    const buffer = new ArrayBuffer(64, { maxByteLength: 128 });
    const outOfBounds = new (draw(random, TYPED_ARRAYS))(buffer, 32, 2);
    buffer.resize(8);
    return outOfBounds;
  },
  () => Buffer.from('hostile'),
  () =>
    new (class extends Uint32Array {
      static get [Symbol.species](): never {
        return fail();
      }
      override get length(): never {
        return fail();
      }
    })(8),
];

const FUNCTIONS: readonly (() => unknown)[] = [
  () => () => {},
  () => fail,
  () => async () => await Promise.reject(new OwnRejection('rejected by a hostile function')),
  () => async () => await Promise.resolve(1),
  () => () => rejected(),
  () => () => ({ then: fail }),
  () =>
    class {
      static readonly BYTES_PER_ELEMENT = 4;
    },
  () => Object.assign(() => {}, { BYTES_PER_ELEMENT: 1 }),
  () => Object.defineProperty(() => {}, 'BYTES_PER_ELEMENT', { get: fail }),
  () => Uint32Array,
  () => runInNewContext('Uint16Array'),
];

const FOREIGN = [
  '({})',
  '[]',
  '[1, 2]',
  'new Uint32Array(8)',
  'new Uint8Array(8)',
  'new Int32Array(new SharedArrayBuffer(8))',
  'new Error("foreign")',
  'Promise.resolve(1)',
  'new SharedArrayBuffer(64)',
  '(() => 1)',
  '({ signal: undefined })',
];

const SIGNALS: readonly (() => unknown)[] = [
  () => AbortSignal.abort(new HostileError('aborted before')),
  () => new AbortController().signal,
  () => new Proxy(new AbortController().signal, {}),
  () => ({ aborted: false, throwIfAborted: fail, addEventListener: fail }),
  () => Object.assign(new AbortController().signal, { throwIfAborted: fail, addEventListener: fail }),
  () => Object.create(AbortSignal.prototype),
];

const IMITATIONS: readonly (() => unknown)[] = [
  () => Object.create(DmaBuf.prototype),
  () => Object.create(Heap.prototype),
  () => Object.create(OwnedFd.prototype),
];

const KINDS: readonly ((random: SeededRandom) => unknown)[] = [
  (random) => draw(random, PRIMITIVES),
  (random) => draw(random, PRIMITIVES),
  (random) => draw(random, OBJECTS)(random),
  (random) => draw(random, OBJECTS)(random),
  (random) => draw(random, PROXIES)(random),
  (random) => draw(random, ARRAYS)(random),
  (random) => draw(random, FUNCTIONS)(),
  (random) => runInNewContext(draw(random, FOREIGN)),
  (random) => draw(random, SIGNALS)(),
  (random) => draw(random, IMITATIONS)(),
];

export function draw<Value>(random: SeededRandom, values: readonly Value[]): Value {
  return values[random.below(values.length)] as Value;
}

export function drawHostile(random: SeededRandom): unknown {
  return draw(random, KINDS)(random);
}

/** The same arguments with one value in them, at any depth, made hostile. */
export function withOneHostile(values: unknown[], random: SeededRandom): unknown[] {
  if (values.length === 0) return [drawHostile(random)];
  let at: Record<string, unknown> = values as unknown as Record<string, unknown>;
  for (;;) {
    const key = draw(random, Object.keys(at));
    const inner = at[key];
    const canGoDeeper = isPlain(inner) && Object.keys(inner).length > 0 && !Object.isFrozen(inner);
    if (!canGoDeeper || random.below(4) === 0) {
      at[key] = drawHostile(random);
      return values;
    }
    at = inner as Record<string, unknown>;
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function objectOf(value: unknown): object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' ? value : {};
}

/** No other code may handle it. Otherwise the package did not leave it unhandled. */
function rejected(): Promise<never> {
  const promise = Promise.reject(new HostileError('rejected by a hostile value'));
  promise.catch(() => {});
  return promise;
}
