import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runScript } from '../../../test/support/processes/run-script.ts';
import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { MiB } from '../../base/sizes.ts';
import { createWasmSpace } from './wasm-space.ts';

interface WithWebAssembly {
  WebAssembly: { Memory: unknown };
}

test('createWasmSpace() gives ENOMEM for a lack of room, and for no other failure', (context) => {
  const { WebAssembly } = globalThis as unknown as WithWebAssembly;
  const { Memory } = WebAssembly;
  context.after(() => {
    WebAssembly.Memory = Memory;
  });
  const failWith = (error: Error): void => {
    WebAssembly.Memory = function Memory() {
      throw error;
    };
  };
  failWith(new RangeError('WebAssembly.Memory(): could not allocate memory'));
  assert.throws(
    () => createWasmSpace({ length: MiB }),
    (error) => isDmaBufError(error, 'ENOMEM') && error.cause instanceof RangeError,
  );
  const broken = new TypeError('something else');
  failWith(broken);
  assert.throws(
    () => createWasmSpace({ length: MiB }),
    (error) => error === broken,
  );
});

test('createWasmSpace() says that Node runs without WebAssembly', () => {
  const output = runScript(
    `
      const { createWasmSpace } = await import('MODULE');
      try {
        createWasmSpace({ length: MiB });
      } catch (error) {
        console.log(error.name, error.code, error.message);
      }
    `.replace('MODULE', new URL('wasm-space.js', import.meta.url).href),
    'export NODE_OPTIONS=--jitless',
  );
  assert.equal(
    output,
    'DmaBufError ENOSYS Cannot make a WebAssembly memory as Node runs without WebAssembly: start it without --jitless\n',
  );
});

test('createWasmSpace() and map() refuse invalid booleans, and treat undefined as the default', () => {
  for (const value of [1, 'true', null]) {
    assert.throws(() => createWasmSpace({ length: MiB, shared: value as never }), { name: 'TypeError' });
  }
  const heap = openEmbeddedHeap({ capacity: MiB });
  const buffer = heap.allocate(MiB);
  const space = createWasmSpace({ length: MiB, shared: undefined });
  assert.ok(space.memory.buffer instanceof ArrayBuffer);
  for (const value of [1, 'true', null]) {
    assert.throws(() => space.map(buffer, { populate: value as never }), { name: 'TypeError' });
  }
  space.map(buffer, { populate: undefined }).close();
  space.close();
  buffer.close();
  heap.close();
});
