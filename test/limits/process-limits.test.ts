/**
 * Goal: under each limit of a process, the default heap works, or is refused with an error that
 * names the limit and how to raise it; and the process continues.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MiB } from '../../src/index.ts';
import { makeMemoryGroup } from '../support/processes/memory-group.ts';
import { runScript } from '../support/processes/run-script.ts';

/**
 * The usual operations of programs, step by step. Prints for each step whether it works, or the
 * refusal.
 */
const USE = `
  process.on('warning', () => {});
  function step(name, body) {
    try {
      body();
      console.log(name + ': works');
    } catch (error) {
      if (!isDmaBufError(error)) throw error;
      console.log(name + ': ' + error.code + ' ' + error.message);
    }
  }
  let heap;
  step('open', () => { heap = openHeap('system', { backends: ['embedded'] }); });
  const use = (length, options) => {
    const buffer = heap.allocate(length, options);
    try {
      const view = buffer.vmap();
      view.bytes.fill(1);
      view.close();
    } finally {
      buffer.close();
    }
  };
  if (heap !== undefined) {
    step('8 MiB', () => use(8 * MiB));
    step('64 MiB', () => use(64 * MiB));
    step('8 MiB shareable', () => use(8 * MiB, { shareable: true }));
    step('ten at once', () => {
      const views = [];
      try {
        for (let count = 0; count < 10; count += 1) views.push(heap.allocate(8 * MiB).vmap());
        for (const view of views) view.bytes.fill(2);
      } finally {
        for (const view of views) view.close();
      }
    });
    step('300 in turn', () => { for (let count = 0; count < 300; count += 1) use(8 * MiB); });
    step('300 dropped', () => { for (let count = 0; count < 300; count += 1) heap.allocate(8 * MiB).vmap().bytes[0] = 1; });
    heap.close();
  }
  console.log('ended: works');`;

const STEPS = ['open', '8 MiB', '64 MiB', '8 MiB shareable', 'ten at once', '300 in turn', '300 dropped', 'ended'];

/** What USE printed, by step. */
function use(shellCommands: string): Map<string, string> {
  const lines = runScript(USE, shellCommands).trimEnd().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
}

interface LimitRow {
  readonly limit: string;
  /** The steps that are refused, and how. All others work. */
  readonly refused: readonly string[];
  readonly refusal?: RegExp;
}

const ALL_AFTER_OPEN = STEPS.slice(1, -1);
const FILE_SIZE = /RLIMIT_FSIZE .*raise the process's limit with "ulimit -f"$/u;
const ADDRESS_SPACE = /RLIMIT_AS .*raise the process's limit with "ulimit -v"$/u;
const DATA = /RLIMIT_DATA .*raise the process's limit with "ulimit -d"$/u;

/**
 * As sh counts: -f in 512 bytes, -v and -d in KiB. Node itself takes about 1 GiB of addresses, and
 * 256 MiB stay free.
 */
const ROWS: readonly LimitRow[] = [
  { limit: 'ulimit -f 2097152', refused: [] },
  { limit: 'ulimit -f 262144', refused: [] },
  { limit: 'ulimit -f 32768', refused: ['64 MiB', 'ten at once'], refusal: FILE_SIZE },
  { limit: 'ulimit -f 2048', refused: ALL_AFTER_OPEN, refusal: FILE_SIZE },
  { limit: 'ulimit -f 1', refused: ['open'], refusal: FILE_SIZE },
  { limit: 'ulimit -f 0', refused: ['open'], refusal: FILE_SIZE },
  { limit: 'ulimit -v $((32 << 20))', refused: [] },
  { limit: 'ulimit -v $((16 << 20))', refused: [] },
  { limit: 'ulimit -v $((8 << 20))', refused: [] },
  { limit: 'ulimit -v $((4 << 20))', refused: [] },
  { limit: 'ulimit -v $((2 << 20))', refused: [] },
  { limit: 'ulimit -v $((1200 << 10))', refused: ['open'], refusal: ADDRESS_SPACE },
  { limit: 'ulimit -v $((16 << 20)); ulimit -f 262144', refused: [] },
  { limit: 'ulimit -v $((4 << 20)); ulimit -f 32768', refused: ['64 MiB', 'ten at once'], refusal: FILE_SIZE },
  { limit: 'ulimit -d $((8 << 20))', refused: [] },
  { limit: 'ulimit -d $((1 << 20))', refused: [] },
  { limit: 'ulimit -d $((280 << 10))', refused: ALL_AFTER_OPEN, refusal: DATA },
  { limit: 'ulimit -l 0', refused: [] },
  { limit: 'ulimit -n 128', refused: [] },
  { limit: 'ulimit -s 1024', refused: [] },
  { limit: 'ulimit -c 0', refused: [] },
];

for (const { limit, refused, refusal } of ROWS) {
  const what = refused.length === 0 ? 'the default heap works' : `what is refused names it: ${refused.join(', ')}`;
  test(`under "${limit}" ${what}`, () => {
    const results = use(limit);
    assert.deepEqual([...results.keys()], refused.includes('open') ? ['open', 'ended'] : STEPS);
    for (const [name, result] of results) {
      if (refused.includes(name)) assert.match(result, refusal ?? /^$/u, name);
      else assert.equal(result, 'works', name);
    }
  });
}

test('a capacity that was asked for is had beyond half of the address space, and refused beyond all of it', () => {
  const script = `
    const heap = openEmbeddedHeap({ capacity: 2 * GiB });
    assert.equal(heap.stats().capacityBytes, 2 * GiB);
    heap.allocate(8 * MiB).vmap().bytes.fill(1);
    assert.throws(() => openEmbeddedHeap({ capacity: 8 * GiB }), (error) => {
      assert.ok(isDmaBufError(error, 'ENOMEM'), String(error));
      assert.match(error.message, /8 GiB as RLIMIT_AS of 4 GiB leaves .*smaller capacity, or raise .*ulimit -v/);
      return true;
    });
    console.log('well');`;
  assert.equal(runScript(script, 'ulimit -v $((4 << 20))'), 'well\n');
});

test('a capacity that was asked for is refused beyond the largest file', () => {
  const script = `
    assert.equal(openEmbeddedHeap({ capacity: GiB }).stats().capacityBytes, GiB);
    assert.throws(() => openEmbeddedHeap({ capacity: GiB + 4 * KiB }), (error) => {
      assert.ok(isDmaBufError(error, 'EFBIG'), String(error));
      assert.match(error.message, /RLIMIT_FSIZE .* 1 GiB: open it with a smaller capacity, or raise .*ulimit -f/);
      return true;
    });
    assert.throws(() => openEmbeddedHeap({ fragmentation: { mix: 'fresh', length: 768 * MiB } }), /RLIMIT_FSIZE/);
    openEmbeddedHeap({ fragmentation: { mix: 'fresh', length: 256 * MiB } }).allocate(256 * MiB).vmap().close();
    openEmbeddedHeap({ contiguous: true }).allocate(256 * MiB).vmap().close();
    console.log('well');`;
  assert.equal(runScript(script, 'ulimit -f 2097152'), 'well\n');
});

test('a view beyond the address space left names the limit, and works when other views are closed', () => {
  const script = `
    const heap = openEmbeddedHeap({ capacity: 512 * MiB });
    const views = [];
    assert.throws(() => { for (;;) { const buffer = heap.allocate(128 * MiB); views.push(buffer); views.push(buffer.vmap()); } }, (error) => {
      assert.ok(isDmaBufError(error, 'ENOMEM'), String(error));
      assert.match(error.message, /RLIMIT_AS is 2 GiB: close views, or raise .*ulimit -v|capacity/);
      return true;
    });
    for (const view of views.splice(0)) view.close();
    heap.allocate(128 * MiB).vmap().bytes.fill(1);
    console.log('well');`;
  assert.equal(runScript(script, 'ulimit -v $((2 << 20))'), 'well\n');
});

test("the default capacity is half of the control group's room, and its refusal names the group", (t) => {
  const folder = makeMemoryGroup(t, 512 * MiB);
  if (folder === undefined) {
    t.skip('no memory control group can be made here: run as root with a writable /sys/fs/cgroup');
    return;
  }
  const script = `
    const heap = openHeap('system', { backends: ['embedded'] });
    const { capacityBytes } = heap.stats();
    assert.ok(capacityBytes > 128 * MiB && capacityBytes <= 256 * MiB, String(capacityBytes));
    assert.throws(() => heap.allocate(300 * MiB), /half of the room that control group .*dmabuf-test.* left when it was opened/);
    heap.allocate(100 * MiB).accessSync('write', (bytes) => bytes.fill(1));
    console.log('well');`;
  assert.equal(runScript(script, `echo $$ > ${folder}/cgroup.procs`), 'well\n');
});

test('RLIMIT_NPROC of one does not affect buffers', () => {
  const results = use('ulimit -u 1 2>/dev/null || ulimit -p 1');
  for (const [name, result] of results) assert.equal(result, 'works', name);
});

test('with no descriptor left, what takes one is refused with EMFILE and its remedy, and all is well when some are free', () => {
  const script = `
    import { closeSync, openSync } from 'node:fs';
    const heap = openEmbeddedHeap({ capacity: 256 * MiB });
    const held = heap.allocate(8 * MiB);
    const view = held.vmap();
    const fds = [];
    try { for (;;) fds.push(openSync('/dev/null')); } catch {}
    const isRefused = (error) => isDmaBufError(error, 'EMFILE') && /ulimit -n/.test(error.message);
    assert.throws(() => openHeap('system', { backends: ['embedded'] }), isRefused);
    assert.throws(() => heap.allocate(MiB, { shareable: true }), isRefused);
    // Operations without descriptors continue.
    view.bytes.fill(1);
    view.close();
    held.accessSync('write', (bytes) => bytes.fill(2));
    held.close();
    for (const fd of fds.splice(0, 8)) closeSync(fd);
    heap.allocate(MiB, { shareable: true }).vmap().bytes.fill(1);
    openHeap('system', { backends: ['embedded'] }).close();
    console.log('well');`;
  assert.equal(runScript(script, 'ulimit -n 256'), 'well\n');
});
