/**
 * Goal: at every limit of the process there is the right error in time, the process stays well, and what is freed can be used
 * again. Where a limit can only be set for a process as a whole, a child is started under it.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { MiB, isDmaBufError } from '../../src/index.ts';
import { openEmbeddedHeapWithin } from '../../src/backend/embedded/index.ts';
import { FailingCalls } from '../support/failing-calls.ts';
import { checkLeaksAfterFile } from '../support/leak-check.ts';
import { runScript } from '../support/run-script.ts';

checkLeaksAfterFile();

const maxMapCount = Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));
const DEFAULT_MAX_MAP_COUNT = 65_530;
const onlyWithDefaultMapCount =
  maxMapCount === DEFAULT_MAX_MAP_COUNT
    ? {}
    : { skip: `vm.max_map_count is ${maxMapCount}, not ${DEFAULT_MAX_MAP_COUNT}` };

test(
  'vmap() of more runs than mappings is refused before the first call, and names need, limit and sysctl',
  onlyWithDefaultMapCount,
  () => {
    const calls = new FailingCalls();
    const length = 300 * MiB;
    const heap = openEmbeddedHeapWithin({ raw: calls.raw }, { fragmentation: { mix: 'E', length } }, 'a test');
    const buffer = heap.allocate(length);
    calls.failAt();
    assert.throws(
      () => buffer.vmap(),
      (error) => {
        assert.ok(isDmaBufError(error, 'ENOMEM'));
        assert.equal(error.syscall, 'mmap');
        assert.equal(error.values['need'], 76_801);
        assert.equal(error.values['limit'], DEFAULT_MAX_MAP_COUNT);
        assert.match(error.message, /vm\.max_map_count.*sysctl -w vm\.max_map_count=131072/u);
        return true;
      },
    );
    assert.equal(calls.callCount, 0);
    assert.equal(heap.stats().mappingCount, 0);
    buffer.close();
    heap.close();
  },
);

test('vmap() goes up to the mappings kept free, and on when some are given back', onlyWithDefaultMapCount, () => {
  const length = 100 * MiB;
  const heaps = [1, 2, 3].map((seed) =>
    openEmbeddedHeapWithin({}, { fragmentation: { mix: 'E', length, seed } }, 'a test'),
  );
  const buffers = heaps.map((heap) => heap.allocate(length));
  const views = buffers.slice(0, 2).map((buffer) => buffer.vmap());
  assert.throws(
    () => buffers[2]?.vmap(),
    (error) => isDmaBufError(error, 'ENOMEM'),
  );
  // The process is well: it allocates, and the windows that are open work.
  assert.equal(new Uint8Array(64 * MiB).length, 64 * MiB);
  for (const view of views) view.bytes.fill(1);
  views[0]?.close();
  const third = buffers[2]?.vmap();
  assert.equal(third?.bytes[length - 1], 0);
  for (const closable of [third, ...views, ...buffers, ...heaps]) closable?.close();
});

test('10,000 small buffers are mapped at once inside 512 GiB of address space', () => {
  const script = `
    const heap = openEmbeddedHeap({ capacity: 64 * MiB });
    const views = Array.from({ length: 10_000 }, () => heap.allocate(4 * KiB).vmap());
    views.forEach((view, index) => { view.as(Uint32Array)[0] = index; });
    assert.ok(views.every((view, index) => view.as(Uint32Array)[0] === index));
    console.log(heap.stats().bufferCount);`;
  assert.equal(runScript(script, 'ulimit -v $((512 * 1024 * 1024))'), '10000\n');
});

test('running out of address space is ENOMEM, and over when views are closed', () => {
  const script = `
    const heap = openEmbeddedHeap({ capacity: 4 * GiB });
    const views = [];
    let refusal;
    while (refusal === undefined) {
      const buffer = heap.allocate(128 * MiB);
      try { views.push(buffer.vmap()); } catch (error) { refusal = error; }
      buffer.close();
    }
    assert.ok(isDmaBufError(refusal, 'ENOMEM'), String(refusal));
    assert.match(refusal.message, /address space.*ulimit -v/);
    for (const view of views.splice(0)) view.close();
    assert.equal(heap.stats().usedBytes, 0);
    console.log('well');`;
  assert.equal(runScript(script, 'ulimit -v $((12 * 1024 * 1024))'), 'well\n');
});

test('running out of file descriptors is EMFILE, and over when a buffer is closed', () => {
  const script = `
    const heap = openEmbeddedHeap({ capacity: GiB });
    const buffers = [];
    let refusal;
    while (refusal === undefined) {
      try { buffers.push(heap.allocate(4 * KiB, { shareable: true })); } catch (error) { refusal = error; }
    }
    assert.ok(isDmaBufError(refusal, 'EMFILE'), String(refusal));
    assert.equal(heap.stats().bufferCount, buffers.length);
    buffers.pop().close();
    heap.allocate(4 * KiB, { shareable: true }).close();
    heap.allocate(MiB).vmap().bytes.fill(1);
    console.log('well');`;
  assert.equal(runScript(script, 'ulimit -n 256'), 'well\n');
});

test('a default capacity is half of what is available', () => {
  const available = Number(/MemAvailable:\s+(\d+) kB/u.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  const heap = openEmbeddedHeapWithin({}, {}, 'a test');
  const { capacityBytes = 0 } = heap.stats();
  assert.ok(Math.abs(capacityBytes / available - 0.5) < 0.05 || (capacityBytes > 0 && capacityBytes < available / 2));
  heap.close();
});

/** A memory control group of our own with a limit, of version 1 or 2; undefined where none can be made. */
function makeMemoryGroup(context: TestContext, limitBytes: number): string | undefined {
  const candidates = [
    { parent: '/sys/fs/cgroup/memory', limitFile: 'memory.limit_in_bytes' },
    { parent: '/sys/fs/cgroup', limitFile: 'memory.max' },
  ];
  for (const { parent, limitFile } of candidates) {
    const folder = join(parent, `dmabuf-test-${process.pid}`);
    try {
      mkdirSync(folder);
      context.after(() => rmdirSync(folder));
      writeFileSync(join(folder, limitFile), String(limitBytes));
      if (existsSync(join(folder, limitFile))) return folder;
    } catch {
      continue;
    }
  }
  return undefined;
}

test("allocate() beyond the control group's room is ENOMEM before anything is committed, where touching would be SIGKILL", (context) => {
  const folder = makeMemoryGroup(context, 512 * MiB);
  if (folder === undefined) {
    context.skip('no memory control group can be made here: run as root with a writable /sys/fs/cgroup');
    return;
  }
  const script = `
    const heap = openEmbeddedHeap({ capacity: 4 * GiB });
    assert.throws(() => heap.allocate(600 * MiB), (error) => {
      assert.ok(isDmaBufError(error, 'ENOMEM'), String(error));
      assert.match(error.message, /control group .*dmabuf-test.* leaves room for .*close buffers/);
      return true;
    });
    assert.equal(heap.stats().committedBytes, 0);
    const held = heap.allocate(300 * MiB);
    assert.throws(() => heap.allocate(300 * MiB), /300 MiB are pledged/);
    held.accessSync('write', (bytes) => bytes.fill(1));
    held.close();
    heap.allocate(300 * MiB).accessSync('write', (bytes) => bytes.fill(1));
    console.log('well');`;
  assert.equal(runScript(script, `echo $$ > ${folder}/cgroup.procs`), 'well\n');
});
