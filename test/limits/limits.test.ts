/**
 * Goal: at every limit of the process the right error comes in time, the process stays healthy, and
 * freed resources can be used again. Where a limit can only be set for a whole process, a child is
 * started under it.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { MiB, isDmaBufError } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { makeMemoryGroup } from '../support/processes/memory-group.ts';
import { runScript } from '../support/processes/run-script.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';
import { temporaryTree } from '../support/runner/temporary-folder.ts';

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
    const heap = openEmbeddedHeap({ fragmentation: { mix: 'single-pages', length } }, otherMachine({ raw: calls.raw }));
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
  const heaps = [1, 2, 3].map((seed) => openEmbeddedHeap({ fragmentation: { mix: 'single-pages', length, seed } }));
  const buffers = heaps.map((heap) => heap.allocate(length));
  const views = buffers.slice(0, 2).map((buffer) => buffer.vmap());
  assert.throws(
    () => buffers[2]?.vmap(),
    (error) => isDmaBufError(error, 'ENOMEM'),
  );
  // The process is healthy: it allocates, and the open windows work.
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
  assert.equal(runScript(script, 'ulimit -v $((8 * 1024 * 1024))'), 'well\n');
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

test('a default capacity is half of what is available', (t) => {
  const root = temporaryTree(t, { 'proc/meminfo': 'MemAvailable: 1048576 kB\n', 'proc/self/maps': '' });
  using heap = openEmbeddedHeap({}, otherMachine({ root }));
  assert.equal(heap.stats().capacityBytes, 512 * MiB);
});

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
