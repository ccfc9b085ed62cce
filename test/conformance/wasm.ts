import assert from 'node:assert/strict';

import { KiB, MiB, isDmaBufError } from '../../src/index.ts';
import { createWasmSpace } from '../../src/heap/wasm/index.ts';
import type { WasmMemory } from '../../src/heap/wasm/index.ts';
import { heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

/**
 * (module
 *   (import "env" "memory" (memory 1))
 *   (func (export "add") (param $a i32) (param $b i32) (param $out i32) (param $count i32) …))
 * out[i] = a[i] + b[i] for `count` words. Assembled with `wasm-as`.
 */
const ADD_WASM_BASE64 =
  'AGFzbQEAAAABCAFgBH9/f38AAg8BA2VudgZtZW1vcnkCAAEDAgEABwcBA2FkZAAACj4BPAACQANAIANFDQEgAiAAKAIAIAEoAgBqNgIAIABBBGohACABQQRqIQEgAkEEaiECIANBAWshAwwACwALCw==';

declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: { env: { memory: WasmMemory } },
  ) => { exports: Record<string, (...values: number[]) => void> };
};

export function testWasm(subject: HeapUnderTest): void {
  heapTest(subject, 'createWasmSpace() lets a wasm module work on two buffers at once', (heap) => {
    const space = createWasmSpace({ length: 2 * MiB, scratch: 64 * KiB });
    const [left, right] = [heap.allocate(MiB), heap.allocate(MiB)];
    const [leftView, rightView] = [left.vmap(), right.vmap()];
    leftView.as(Uint32Array).forEach((_, index, words) => {
      words[index] = index;
    });
    rightView.as(Uint32Array).fill(1000);
    const [a, b] = [space.map(left), space.map(right, { populate: true })];
    assert.ok(a.offset >= 64 * KiB && b.offset === a.offset + MiB);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(ADD_WASM_BASE64, 'base64')), {
      env: { memory: space.memory },
    });
    instance.exports['add']?.(a.offset, b.offset, a.offset, MiB / 4);
    const words = leftView.as(Uint32Array);
    assert.deepEqual([words[0], words[1], words[MiB / 4 - 1]], [1000, 1001, 1000 + MiB / 4 - 1]);
    assert.equal(rightView.as(Uint32Array)[5], 1000);
    const scratch = new Uint8Array(space.memory.buffer, 0, 64 * KiB);
    assert.ok(
      scratch.every((byte) => byte === 0),
      'the scratch space is apart from the buffers',
    );
    for (const closable of [leftView, rightView, left, right]) closable.close();
    assert.equal(heap.stats().bufferCount, 2, 'the space holds the buffers');
    a.close();
    assert.equal(new Uint32Array(space.memory.buffer, a.offset, 1)[0], 0);
    assert.equal(heap.stats().bufferCount, 1);
    space.close();
    space.close();
    assert.equal(heap.stats().bufferCount, 0);
  });

  heapTest(subject, 'createWasmSpace() reuses gaps, and says when none is large enough', (heap) => {
    const space = createWasmSpace({ length: 256 * KiB });
    const buffers = [64 * KiB, 128 * KiB, 64 * KiB].map((length) => heap.allocate(length));
    const mappings = buffers.map((buffer) => space.map(buffer));
    assert.deepEqual(
      mappings.map(({ offset }) => offset),
      [0, 64 * KiB, 192 * KiB],
    );
    const extra = heap.allocate(96 * KiB);
    assert.throws(
      () => space.map(extra),
      (error) => isDmaBufError(error, 'ENOMEM'),
    );
    mappings[1]?.close();
    assert.equal(space.map(extra).offset, 64 * KiB);
    space.close();
    assert.throws(
      () => space.map(extra),
      (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
    );
    for (const buffer of [...buffers, extra]) buffer.close();
    assert.equal(heap.stats().bufferCount, 0);
  });

  heapTest(subject, 'createWasmSpace() refuses what is no space and no buffer', (heap) => {
    assert.throws(() => createWasmSpace({ length: 0 }), RangeError);
    assert.throws(() => createWasmSpace({ length: 2 ** 32, scratch: 1 }), RangeError);
    assert.throws(() => createWasmSpace({ length: 1, stack: 1 } as { length: number }), TypeError);
    const space = createWasmSpace({ length: 1 });
    assert.throws(() => space.map({} as never), TypeError);
    const closed = heap.allocate(1);
    closed.close();
    assert.throws(
      () => space.map(closed),
      (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
    );
    space.close();
  });
}
