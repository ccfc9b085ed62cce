import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bytesOf, withStudio } from '../../test/support/fakes/blit-studio.ts';
import { runScript } from '../../test/support/processes/run-script.ts';
import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { isDmaBufError } from '../base/errors.ts';
import { KiB } from '../base/sizes.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { Fence } from '../heap/importer/fence.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';

checkLeaksAfterFile();

function bufferOf({ buffers }: FrameLayout): DmaBuf {
  return buffers[0] as DmaBuf;
}

function isClosedError(error: unknown): boolean {
  return isDmaBufError(error, 'ERR_DMABUF_CLOSED');
}

test(
  'Blitter.blit() waits for the fences of both pictures',
  withStudio(async ({ blitter, frame }) => {
    const source = frame('RGB565', 1, 1, [1, 2]);
    const destination = frame('RGB565', 1, 1);
    const [writer, reader] = [new Fence('writer'), new Fence('reader')];
    bufferOf(source).addFence(writer, 'write');
    bufferOf(destination).addFence(reader, 'read');
    assert.throws(
      () => blitter.blitSync(source, destination),
      (error) => isDmaBufError(error, 'EAGAIN'),
    );
    const done = blitter.blit(source, destination);
    writer.signal();
    await new Promise(setImmediate);
    reader.signal();
    await done;
    assert.deepEqual(bytesOf(destination), [1, 2]);
  }),
);

test(
  'Blitter.blit() is given up by its signal, and holds nothing then',
  withStudio(async ({ heap, blitter, frame }) => {
    const source = frame('RGB565', 64, 64);
    const destination = frame('RGB565', 64, 64);
    const fence = new Fence();
    bufferOf(destination).addFence(fence, 'write');
    const controller = new AbortController();
    const given = blitter.blit(source, destination, { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(given, (error) => error === reason);
    fence.signal();
    blitter.unmap(bufferOf(source));
    blitter.unmap(bufferOf(destination));
    assert.equal(blitter.mappedCount, 0);
    for (const picture of [source, destination]) bufferOf(picture).close();
    assert.equal(heap.stats().usedBytes, 0);
  }),
);

test(
  'Blitter.close() and unmap() leave buffers to the blits that wait, which are refused then',
  withStudio(async ({ heap, blitter, frame }) => {
    const source = frame('RGB565', 64, 64);
    const destination = frame('RGB565', 64, 64);
    const fence = new Fence();
    bufferOf(source).addFence(fence, 'write');
    const waiting = blitter.blit(source, destination);
    blitter.unmap(bufferOf(source));
    blitter.close();
    assert.equal(blitter.mappedCount, 2);
    bufferOf(source).close();
    assert.equal(heap.stats().usedBytes, 16 * KiB);
    fence.signal();
    await assert.rejects(waiting, isClosedError);
    assert.equal(blitter.mappedCount, 0);
    assert.equal(heap.stats().usedBytes, 8 * KiB);
    assert.throws(() => blitter.blitSync(destination, destination), /overlap|bytes/u);
    await assert.rejects(blitter.blit(destination, frame('RGB565', 1, 1)), isClosedError);
  }),
);

test(
  'Blitter.blit() reads a source that was closed while it waited',
  withStudio(async ({ blitter, frame }) => {
    const source = frame('RGB565', 1, 1, [3, 4]);
    const destination = frame('RGB565', 1, 1);
    const fence = new Fence();
    bufferOf(destination).addFence(fence, 'write');
    const waiting = blitter.blit(source, destination);
    bufferOf(source).close();
    fence.signal();
    // Its access had begun before.
    await waiting;
    assert.deepEqual(bytesOf(destination), [3, 4]);
  }),
);

test('createBlitter() says that WebAssembly, or its SIMD, is missing', () => {
  const script = `
    const { createBlitter } = await import('${new URL('blitter.js', import.meta.url).href}');
    if (process.env.WITHOUT_SIMD) WebAssembly.validate = () => false;
    try {
      createBlitter();
    } catch (error) {
      console.log(error.name, error.code, error.message);
    }
  `;
  assert.equal(
    runScript(script, 'export NODE_OPTIONS=--jitless'),
    'DmaBufError ENOSYS Cannot make a WebAssembly memory as Node runs without WebAssembly: start it without --jitless\n',
  );
  assert.equal(
    runScript(script, 'export WITHOUT_SIMD=1'),
    'DmaBufError ENOSYS Cannot make a blitter as WebAssembly has no SIMD here: it takes SSE4.1, or NEON\n',
  );
});
