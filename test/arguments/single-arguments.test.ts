/** Single arguments that were once accepted, or led to something else than a message about them. */

/* oxlint-disable unicorn/no-thenable -- what looks like a promise is what is tested */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';

import type { HandleContents } from '../../src/heap/buffer-handle.ts';
import { Fence } from '../../src/heap/importer/index.ts';
import { KiB, MiB, discardHandle, isDmaBufError, openHandle, openHeap } from '../../src/index.ts';
import { SgTable, createPageList, pagesByEntry, pagesByPage } from '../../src/sg/index.ts';
import { createWasmSpace } from '../../src/heap/wasm/index.ts';
import type { BufferHandle, DmaBuf, OpenHeapOptions } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { createFramePool } from '../../src/pool/index.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

function heapFor(t: TestContext): EmbeddedHeap {
  const heap = openEmbeddedHeap({ capacity: MiB });
  t.after(() => heap.close());
  return heap;
}

function bufferFor(t: TestContext): DmaBuf {
  const buffer = heapFor(t).allocate(64 * KiB);
  t.after(() => buffer.close());
  return buffer;
}

test('options of type boolean refuse strings, numbers and null', (t) => {
  const buffer = bufferFor(t);
  const heap = heapFor(t);
  const space = createWasmSpace({ length: 64 * KiB });
  t.after(() => space.close());
  for (const value of ['no', 0, 1, null, {}] as unknown as boolean[]) {
    const refused = (call: () => unknown): void => assert.throws(call, { name: 'TypeError' }, String(value));
    refused(() => buffer.vmap({ populate: value }));
    refused(() => buffer.accessSync('read', () => {}, { block: value }));
    refused(() => space.map(buffer, { populate: value }));
    refused(() => createWasmSpace({ length: 1, shared: value }));
    refused(() => heap.allocate(1, { shareable: value }));
    refused(() => heap.allocate(1, { traceLayout: value }));
    refused(() => createFramePool(heap, { length: 1, count: 1, shareable: value }));
    refused(() => openHeap('system', { contiguous: value }));
    refused(() => openHeap('system', { trackAllocations: value }));
    refused(() => openEmbeddedHeap({ contiguous: value }));
  }
});

test('openHeap() checks the options of the embedded heap, regardless of the first backend', () => {
  const refused = (embedded: unknown, name: string, options: OpenHeapOptions = {}): void =>
    assert.throws(
      () =>
        openHeap('system', {
          backends: ['kernel'],
          ...options,
          embedded: embedded as NonNullable<OpenHeapOptions['embedded']>,
        }),
      { name },
    );
  refused({ capasity: 1 }, 'TypeError');
  refused({ capacity: '1' }, 'TypeError');
  refused({ capacity: 0 }, 'RangeError');
  refused({ orders: [4, 1] }, 'RangeError');
  refused(5, 'TypeError');
  refused(null, 'TypeError');
  refused({ fragmentation: { mix: 'single-pages', length: MiB } }, 'TypeError', { contiguous: true });
});

test('accessSync() refuses a body that returns a promise, of any realm, and leaves nothing unhandled', async (t) => {
  const buffer = bufferFor(t);
  const unhandled: unknown[] = [];
  const listen = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listen);
  t.after(() => process.off('unhandledRejection', listen));
  const bodies: (() => unknown)[] = [
    async () => await Promise.resolve(1),
    async () => await Promise.reject(new Error('failed')),
    () => runInNewContext('Promise.reject(new Error("failed elsewhere"))'),
    () => ({ then: () => {} }),
    () => Object.assign(() => {}, { then: () => {} }),
  ];
  for (const body of bodies) {
    assert.throws(() => buffer.accessSync('read', body), {
      name: 'TypeError',
      message: /'body' must return no promise/u,
    });
  }
  assert.deepEqual(
    buffer.accessSync('read', () => ({ then: 'a word' })),
    { then: 'a word' },
  );
  await turn();
  await turn();
  assert.deepEqual(unhandled, []);
});

test('access() waits for a promise of another realm, within its bracket', async (t) => {
  const buffer = bufferFor(t);
  const control = { resolve: (_value: number): void => {} };
  const promise = runInNewContext('new Promise((resolve) => { control.resolve = resolve; })', {
    control,
  }) as Promise<number>;
  const access = buffer.access('read', () => promise);
  await turn();
  assert.match(inspect(buffer), /1 views/u);
  control.resolve(7);
  assert.equal(await access, 7);
  assert.match(inspect(buffer), /0 views/u);
});

test('a body that is not a function is refused before anything is mapped or waited for', async (t) => {
  const buffer = bufferFor(t);
  const fence = new Fence();
  buffer.addFence(fence, 'write');
  await assert.rejects(buffer.access('read', undefined as never), { name: 'TypeError' });
  assert.throws(() => buffer.accessSync('read', {} as never), { name: 'TypeError' });
  fence.signal();
});

test('the walks write into arrays of another realm, past every property that was put on one', () => {
  const table = SgTable.fromEntries([
    { pfn: 5, offset: 0, length: 8192 },
    { pfn: 9, offset: 0, length: 4096 },
  ]);
  for (const walk of [pagesByEntry, pagesByPage]) {
    const foreign = runInNewContext('new Uint32Array(4)') as Uint32Array;
    assert.deepEqual([...walk(table, { out: foreign })], [5, 6, 9]);
    assert.deepEqual([...foreign], [5, 6, 9, 0]);
    const wide = runInNewContext('new BigUint64Array(3)') as BigUint64Array;
    assert.deepEqual([...walk(table, { out: wide, width: 8 })], [5n * 4096n, 6n * 4096n, 9n * 4096n]);
    const liar = Object.defineProperty(new Uint32Array(2), 'length', { value: 100 });
    assert.throws(() => walk(table, { out: liar }), {
      name: 'RangeError',
      message: /'out.length' must be at least 3/u,
    });
    class Elsewhere extends Uint32Array {
      static get [Symbol.species](): Uint32ArrayConstructor {
        throw new Error('asked');
      }
    }
    assert.deepEqual([...walk(table, { out: new Elsewhere(3) })], [5, 6, 9]);
    const shrunk = new ArrayBuffer(64, { maxByteLength: 64 });
    const tracking = new Uint32Array(shrunk);
    shrunk.resize(8);
    assert.throws(() => walk(table, { out: tracking }), { name: 'RangeError' });
  }
});

test('tables and page lists are immutable: properties put on one do not affect a walk', () => {
  const table = SgTable.fromPages([1, 2, 3], { size: 3 * 4096 });
  assert.throws(() => Object.defineProperty(table, 'pageCount', { value: 1 }), TypeError);
  assert.throws(() => Object.setPrototypeOf(createPageList(4), {}), TypeError);
  const Table = SgTable as unknown as new (...values: unknown[]) => SgTable;
  assert.throws(() => new Table({ pfns: [1] }, 4096), { name: 'TypeError', message: /fromEntries/u });
});

test('SgTable.fromPages() reads each pfn once', () => {
  const reads: PropertyKey[] = [];
  const pfns = new Proxy([1, 2, 9], {
    get: (target, key): unknown => {
      reads.push(key);
      return Reflect.get(target, key);
    },
  });
  assert.equal(SgTable.fromPages(pfns, { size: 3 * 4096 }).entryCount, 2);
  assert.deepEqual(reads, ['length', '0', '1', '2']);
});

test('view.as() takes classes whose elements fill the buffer, and no others', (t) => {
  const view = bufferFor(t).vmap();
  t.after(() => view.close());
  for (const bytes of [0, -1, 3, 1.5, Number.NaN, 2 ** 40])
    assert.throws(
      () => view.as(Object.defineProperty(function view() {}, 'BYTES_PER_ELEMENT', { value: bytes }) as never),
      {
        name: 'RangeError',
      },
    );
  assert.throws(
    () => view.as(Object.defineProperty(function view() {}, 'BYTES_PER_ELEMENT', { value: '4' }) as never),
    {
      name: 'TypeError',
    },
  );
  const elements = { BYTES_PER_ELEMENT: 4 };
  const methods = { method(this: void): void {} };
  const notConstructors = [() => {}, methods.method, async function wait() {}, function* draw() {}, Math.max];
  for (const each of notConstructors)
    assert.throws(() => view.as(Object.assign(each.bind(undefined), elements) as never), {
      message: /'type' must be a constructor of typed arrays, received/u,
    });
  assert.equal(view.as(runInNewContext('Uint32Array') as Uint32ArrayConstructor).length, 16 * KiB);
});

test('view.as() refuses the array of a class that closed the view', (t) => {
  const view = bufferFor(t).vmap();
  let seen: Uint8Array | undefined;
  class Closer {
    static readonly BYTES_PER_ELEMENT = 1;
    constructor(shared: SharedArrayBuffer) {
      view.close();
      seen = new Uint8Array(shared);
    }
  }
  view.bytes.fill(1);
  assert.throws(
    () => view.as(Closer),
    (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
  );
  assert.equal(seen?.[0], 0);
});

test('openHandle() and discardHandle() refuse values that toHandle() did not make, and the handle stays good', (t) => {
  const buffer = bufferFor(t);
  const handle = buffer.toHandle();
  const { shared, control, ticket, length } = handle as unknown as HandleContents;
  const wrongs: Partial<Record<keyof HandleContents, unknown[]>> = {
    name: [undefined, 5],
    length: [0, -1, 1.5, length + 1, 2 ** 53, String(length), BigInt(length), { valueOf: () => length }],
    byteOffset: [-1, 1, 0.5, '0', 2 ** 40],
    shared: [new ArrayBuffer(length), new SharedArrayBuffer(8), {}, new Proxy(shared, {})],
    control: [
      new Int32Array(8),
      new Int32Array(control.length),
      new Int32Array(control.buffer, 0, 1),
      new Uint8Array(control.buffer),
      {},
    ],
    ticket: [new Int32Array(1), new Int32Array(new SharedArrayBuffer(0)), new Int32Array(new SharedArrayBuffer(8)), []],
    dmaBufFd: [-1, 2 ** 31, '3', null],
  };
  for (const [name, values] of Object.entries(wrongs))
    for (const value of values) {
      const forged = { ...handle, [name]: value } as BufferHandle;
      assert.throws(() => openHandle(forged), { name: 'TypeError', message: /must come from toHandle/u }, name);
      assert.throws(() => discardHandle(forged), { name: 'TypeError' }, name);
    }
  assert.equal(Atomics.load(ticket, 0), 1);
  openHandle(structuredClone(handle)).close();
});

test('a fence whose methods were replaced is waited for all the same', async (t) => {
  const buffer = bufferFor(t);
  const fence = new Fence();
  let ran = 0;
  for (const name of ['signaled', 'wait', 'onSignal']) Object.defineProperty(fence, name, { get: () => (ran += 1) });
  buffer.addFence(fence, 'write');
  const ready = buffer.ready('read');
  assert.throws(
    () => buffer.accessSync('read', () => {}),
    (error) => isDmaBufError(error, 'EAGAIN'),
  );
  fence.signal();
  await ready;
  assert.equal(ran, 0);
});

test('FramePool.acquireWhenFree() waits with one listener per signal, for any number of waits', async (t) => {
  const heap = heapFor(t);
  const pool = createFramePool(heap, { length: 1, count: 1 });
  t.after(() => pool.close());
  const frame = pool.acquire();
  t.after(() => frame.release());
  const control = new AbortController();
  const warnings: unknown[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  const waits = Array.from({ length: 20 }, () => pool.acquireWhenFree({ signal: control.signal }));
  const aborted = once(control.signal, 'abort');
  control.abort(new Error('enough'));
  await aborted;
  for (const wait of waits) await assert.rejects(wait, /enough/u);
  assert.deepEqual(warnings, []);
});
