/**
 * Goal: objects that a program has dropped without closing are never the reason of a refusal. No
 * test here closes anything, whether the program yields to the event loop, only to microtasks, or
 * never.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runScript } from '../support/processes/run-script.ts';

/** How a loop yields, as the end of a script's loop body. */
const YIELDS = {
  'yields to the event loop': 'await new Promise((resolve) => setImmediate(resolve));',
  'yields for milliseconds': 'if (count % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 5));',
  'yields to microtasks alone': 'await undefined;',
  'never yields': '',
} as const;

interface DropRow {
  readonly what: string;
  readonly limits?: string;
  readonly setup: string;
  /** Takes something, and drops it. `count` is which time it is. */
  readonly take: string;
  readonly times: number;
}

const ROWS: readonly DropRow[] = [
  {
    what: 'buffers, of which the capacity holds 64',
    setup: 'const heap = openEmbeddedHeap({ capacity: 512 * MiB });',
    take: 'heap.allocate(8 * MiB);',
    times: 150,
  },
  {
    what: 'mapped buffers, of which the capacity holds 64',
    setup: 'const heap = openEmbeddedHeap({ capacity: 512 * MiB });',
    take: 'const view = heap.allocate(8 * MiB).vmap(); view.bytes[0] += 1; assert.equal(view.bytes[0], 1);',
    times: 150,
  },
  {
    what: 'buffers in use by an importer, of which the capacity holds 64',
    setup: 'const heap = openEmbeddedHeap({ capacity: 512 * MiB });',
    take: "heap.allocate(8 * MiB).attach({ name: 'device' });",
    times: 150,
  },
  {
    what: 'buffers of one heap, which another heap lacks the descriptors for',
    limits: 'ulimit -n 256',
    setup: 'const heaps = [1, 2].map(() => openEmbeddedHeap({ capacity: 64 * MiB }));',
    take: 'heaps[count < 220 ? 0 : 1].allocate(4 * KiB, { shareable: true });',
    times: 440,
  },
  {
    what: 'shareable buffers, with a descriptor each',
    limits: 'ulimit -n 256',
    setup: 'const heap = openEmbeddedHeap({ capacity: 512 * MiB });',
    take: 'heap.allocate(4 * KiB, { shareable: true });',
    times: 600,
  },
  {
    what: 'mapped shareable buffers, with a descriptor each',
    limits: 'ulimit -n 256',
    setup: 'const heap = openEmbeddedHeap({ capacity: 512 * MiB });',
    take: 'heap.allocate(4 * KiB, { shareable: true }).vmap().bytes[0] = 1;',
    times: 600,
  },
  {
    what: 'windows of 20,000 mappings each, of which there may be 65,530',
    setup: 'const length = 80_000 * KiB;',
    take: `
      const heap = openEmbeddedHeap({ capacity: 128 * MiB, fragmentation: { mix: 'single-pages', length } });
      heap.allocate(length).vmap().bytes[0] = 1;`,
    times: 8,
  },
  {
    what: 'windows, of which address space holds some',
    limits: 'ulimit -v $((4 << 20))',
    setup: 'const heap = openEmbeddedHeap({ capacity: 512 * MiB });',
    take: 'heap.allocate(128 * MiB).vmap().bytes[0] = 1;',
    times: 60,
  },
  {
    what: 'heaps, with a descriptor and an arena each',
    limits: 'ulimit -n 256',
    setup: '',
    take: 'openEmbeddedHeap({ capacity: 16 * MiB }).allocate(4 * KiB);',
    times: 600,
  },
  {
    what: 'heaps, of which address space holds some',
    limits: 'ulimit -v $((4 << 20))',
    setup: '',
    take: 'openEmbeddedHeap({ capacity: 512 * MiB });',
    times: 40,
  },
];

for (const { what, limits = '', setup, take, times } of ROWS) {
  for (const [how, yieldOnce] of Object.entries(YIELDS)) {
    test(`a loop that ${how} may drop ${what}, ${times} times`, () => {
      const script = `
        process.on('warning', () => {});
        ${setup}
        for (let count = 0; count < ${times}; count += 1) {
          ${take}
          ${yieldOnce}
        }
        console.log('well');`;
      assert.equal(runScript(script, limits), 'well\n');
    });
  }
}

test('what is reachable is not collected, and is refused for', () => {
  const script = `
    process.on('warning', (warning) => console.log(warning.message));
    const heap = openEmbeddedHeap({ capacity: 512 * MiB });
    const buffers = Array.from({ length: 32 }, () => heap.allocate(8 * MiB));
    const arrays = Array.from({ length: 32 }, () => heap.allocate(8 * MiB).vmap().bytes);
    arrays.forEach((bytes, index) => bytes.fill(index + 1));
    for (let count = 0; count < 3; count += 1) {
      assert.throws(() => heap.allocate(8 * MiB), (error) => isDmaBufError(error, 'ENOMEM'));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(arrays.every((bytes, index) => bytes.every((byte) => byte === index + 1)));
    for (const buffer of buffers) buffer.accessSync('write', (bytes) => bytes.fill(1));
    assert.equal(heap.stats().leakedCount, 0);
    arrays.length = 16;
    for (let count = 0; count < 16; count += 1) buffers.push(heap.allocate(8 * MiB));
    assert.throws(() => heap.allocate(8 * MiB), (error) => isDmaBufError(error, 'ENOMEM'));
    assert.equal(heap.stats().leakedCount, 16);
    console.log('well');`;
  assert.match(runScript(script), /^well$/mu);
});

test('a buffer that another thread has open is not collected from under it', () => {
  const script = `
    import { Worker } from 'node:worker_threads';
    import { once } from 'node:events';
    process.on('warning', () => {});
    const heap = openEmbeddedHeap({ capacity: 64 * MiB });
    const worker = new Worker(\`
      const { workerData, parentPort } = require('node:worker_threads');
      const words = new Uint32Array(workerData);
      parentPort.on('message', () => parentPort.postMessage(words[0]));
    \`, { eval: true, execArgv: [], workerData: heap.allocate(8 * MiB).vmap().as(Uint32Array).fill(77).buffer });
    const ask = async () => { worker.postMessage(''); return (await once(worker, 'message'))[0]; };
    assert.equal(await ask(), 77);
    for (let count = 0; count < 30; count += 1) heap.allocate(8 * MiB).vmap().bytes.fill(1);
    assert.equal(await ask(), 77);
    await worker.terminate();
    console.log('well');`;
  assert.equal(runScript(script), 'well\n');
});

test('a dropped view above 4 GiB is unmapped before malloc has its memory again, whatever malloc does with it', () => {
  // glibc unmaps what is so large; told otherwise, it keeps the range, as jemalloc does.
  const malloc = 'export GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=1099511627776';
  const script = `
    import { readFileSync } from 'node:fs';
    import { collectGarbageUntil } from '${new URL('../support/runner/collect-garbage.js', import.meta.url).href}';
    const heap = openEmbeddedHeap({ capacity: 6 * GiB });
    const countMappings = () => readFileSync('/proc/self/maps', 'utf8').split('memfd:').length;
    const before = countMappings();
    (() => void heap.allocate(5 * GiB).vmap().subarray(0, MiB).fill(7))();
    assert.ok(countMappings() > before);
    assert.ok(await collectGarbageUntil(() => heap.stats().bufferCount === 0));
    console.log(heap.stats().pendingReleaseCount, countMappings() - before);
  `;
  assert.equal(runScript(script, malloc), '0 0\n');
});
