/**
 * Layouts of real buffers: each source compared with another. And tracing leaves nothing behind.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { traceAllocation } from '../../src/backend/layout/allocation-trace.ts';
import { layoutOfDmaBuf } from '../../src/backend/layout/dma-buf-layout.ts';
import { toByteLength } from '../../src/base/quantities.ts';
import { KiB, MiB, importBuffer, openHeap } from '../../src/index.ts';
import type { BufferLayout, DmaBuf, Heap } from '../../src/index.ts';
import type { SgTable } from '../../src/sg/index.ts';
import { MemoryCalls } from '../../src/linux/calls/memory-calls.ts';
import { TRACE_FILES } from '../../src/linux/tracefs/tracefs-files.ts';
import type { TraceFiles } from '../../src/linux/tracefs/tracefs-files.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { cannotSeePfns, cannotTrace } from '../support/devices/layout-rights.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { asNobody, cannotBeNobody, NOBODY } from '../support/processes/other-user.ts';
import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';
import { Vgem, missingVgem } from '../support/devices/vgem.ts';
import { traceState, TRACEFS } from '../support/devices/trace-state.ts';
import { FailingTraceFiles } from '../support/fakes/failing-trace-files.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

checkLeaksAfterFile();

const INSTANCES = join(TRACEFS, 'instances');
/** Of single pages, of every order at once, and of more than one slice. */
const LENGTHS = [4 * KiB, 60 * KiB, 1 * MiB + 68 * KiB, 9 * MiB + 4 * KiB];
const skipTracing = cannotTrace();
const skipKernel = skipTracing || cannotOpen('/dev/dma_heap/system');
const skipUdmabuf = skipTracing || cannotSeePfns() || cannotOpen('/dev/udmabuf');

function openTestHeap(t: TestContext, backend: 'kernel' | 'udmabuf'): Heap {
  const heap = openHeap('system', { backends: [backend] });
  t.after(() => heap.close());
  return heap;
}

function tableOf(layout: BufferLayout): SgTable {
  assert.ok(layout.known, layout.known ? '' : layout.reason);
  return layout.table;
}

function runsOf(layout: BufferLayout): [pfn: number, length: number][] {
  const { count, pfns, lengths } = tableOf(layout).runs();
  return Array.from({ length: count }, (_, index) => [pfns[index] ?? -1, lengths[index] ?? -1]);
}

/** As the receiver of the descriptor sees it. */
function importedLayout(buffer: DmaBuf): BufferLayout {
  const fd = buffer.exportFd();
  const imported = importBuffer(fd);
  fd.close();
  const layout = imported.layout();
  imported.close();
  return layout;
}

test('layout() of a traced kernel buffer tells the entries that the heap took', { skip: skipKernel }, (t) => {
  const heap = openTestHeap(t, 'kernel');
  const before = traceState();
  for (const length of LENGTHS) {
    const buffer = heap.allocate(length, { traceLayout: true });
    const layout = buffer.layout();
    const table = tableOf(layout);
    assert.equal(layout.known && layout.source, 'the trace of its allocation (kmem:mm_page_alloc)');
    const orders = [...table.entries()].map((entry) => Math.log2(entry.length / heap.pageSize));
    assert.ok(
      orders.every((order) => [8, 4, 0].includes(order)),
      `orders ${orders.join(' ')}`,
    );
    assert.deepEqual(
      orders,
      orders.toSorted((a, b) => b - a),
      'the heap never goes back to a larger order',
    );
    assert.equal(table.length, length);
    assert.ok([...table.entries()].every(({ pfn, length }) => pfn % (length / heap.pageSize) === 0));
    // The other source: the pages that a mapping receives.
    const imported = importedLayout(buffer);
    assert.equal(imported.known && imported.source, 'the pages of its mapping, in runs: a probe on remap_pfn_range');
    assert.deepEqual(runsOf(imported), runsOf(layout));
    buffer.close();
  }
  assert.deepEqual(traceState(), before);
});

test('layout() of an untraced kernel buffer tells its runs, once', { skip: skipKernel }, (t) => {
  const buffer = openTestHeap(t, 'kernel').allocate(MiB);
  t.after(() => buffer.close());
  const layout = buffer.layout();
  assert.deepEqual(runsOf(layout), runsOf(importedLayout(buffer)));
  assert.equal(buffer.layout(), layout);
});

test('layout() of a udmabuf: the pagemap of its memfd agrees with the probes', { skip: skipUdmabuf }, (t) => {
  const heap = openTestHeap(t, 'udmabuf');
  for (const length of LENGTHS) {
    const buffer = heap.allocate(length);
    const layout = buffer.layout();
    const imported = importedLayout(buffer);
    assert.deepEqual(
      [layout, imported].map((told) => told.known && told.source.split(': ')[1]),
      ['/proc/self/pagemap', 'a probe on vmf_insert_pfn'],
    );
    assert.deepEqual(runsOf(imported), runsOf(layout));
    assert.equal(tableOf(layout).length, length);
    buffer.close();
  }
});

test('layout() of another exporter: a graphics buffer', { skip: skipTracing || missingVgem() }, (t) => {
  const vgem = Vgem.open();
  assert.ok(vgem !== undefined);
  t.after(() => vgem.close());
  const handle = vgem.createBuffer();
  const fd = vgem.exportBuffer(handle);
  const buffer = importBuffer(fd);
  fd.close();
  assert.equal(tableOf(buffer.layout()).pageCount, 1);
  buffer.close();
  vgem.closeBuffer(handle);
});

test('layout() in another process is the same', { skip: skipKernel }, (t) => {
  const buffer = openTestHeap(t, 'kernel').allocate(3 * MiB + 20 * KiB, { traceLayout: true });
  t.after(() => buffer.close());
  const fd = buffer.exportFd();
  const script = `
    import { importBuffer } from '${new URL('../../src/index.js', import.meta.url).href}';
    const { table } = importBuffer(3).layout();
    const { pfns, lengths } = table.runs();
    console.log(JSON.stringify([...pfns].map((pfn, index) => [pfn, lengths[index]])));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe', fd.borrow()],
    encoding: 'utf8',
  });
  fd.close();
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), runsOf(buffer.layout()));
});

test('layout() says who may ask', { skip: skipKernel || cannotBeNobody() }, (t) => {
  const kernel = openTestHeap(t, 'kernel').allocate(MiB);
  const memfd = openHeap('system', { backends: ['embedded'] }).allocate(MiB, { shareable: true });
  t.after(() => [kernel, memfd].forEach((buffer) => buffer.close()));
  for (const buffer of [kernel, memfd]) {
    const layout = asNobody(() => buffer.layout());
    assert.deepEqual([layout.known, !layout.known && layout.remedy?.slice(0, 16)], [false, 'run this as root']);
    assert.ok(buffer.layout().known);
  }
});

test(
  'dmabuf layout shows a kernel buffer of another process, and fails where it may not',
  { skip: skipKernel },
  (t) => {
    const buffer = openTestHeap(t, 'kernel').allocate(MiB, { name: 'to be shown', traceLayout: true });
    const fd = buffer.exportFd();
    t.after(() => [buffer, fd].forEach((closable) => closable.close()));
    const shown = runCli('layout', `${process.pid}:${fd.borrow()}`, '--json');
    const report = JSON.parse(shown.stdout) as { layout: { runs: { pfn: number; bytes: number }[] } };
    assert.deepEqual(
      report.layout.runs.map(({ pfn, bytes }) => [pfn, bytes]),
      runsOf(buffer.layout()),
    );
    const refused = spawnSync(process.execPath, [CLI_PATH, 'layout', '3'], {
      stdio: ['ignore', 'pipe', 'pipe', fd.borrow()],
      encoding: 'utf8',
      uid: NOBODY,
    });
    assert.equal(refused.status, 1);
    assert.match(refused.stdout, /^ {2}exporter {2}system\n {2}name {6}to be shown$/mu);
    assert.match(refused.stderr, /^dmabuf: Cannot tell the layout as only root may use tracefs: run this as root\n$/u);
    const taken = spawnSync(process.execPath, [CLI_PATH, 'layout', `${process.pid}:${fd.borrow()}`], {
      encoding: 'utf8',
      uid: NOBODY,
    });
    assert.deepEqual([taken.status, taken.stdout], [1, '']);
    assert.match(taken.stderr, /run this as root/u);
  },
);

/**
 * `measure` with the first call failing, then the second, until none does. Nothing must be left
 * behind.
 */
function failEachCall(measure: (files: TraceFiles) => BufferLayout): number {
  const before = traceState();
  for (let failing = 1; ; failing += 1) {
    const failures = new FailingTraceFiles(failing);
    const layout = measure(failures.files);
    // The next trace removes what could not be removed.
    if (failures.failedToRemove) {
      assert.notDeepEqual(traceState(), before);
      assert.ok(measure(TRACE_FILES).known);
    }
    assert.deepEqual(traceState(), before, `after call ${failing} failed`);
    if (failures.callCount < failing) {
      assert.ok(layout.known);
      return failing - 1;
    }
    assert.ok(!layout.known, `with call ${failing} failed`);
    assert.equal(layout.reason, 'It failed');
  }
}

test('layoutOfDmaBuf() leaves tracing as it was, whichever call fails', { skip: skipKernel }, (t) => {
  const buffer = openTestHeap(t, 'kernel').allocate(8 * KiB);
  const fd = buffer.exportFd();
  t.after(() => [buffer, fd].forEach((closable) => closable.close()));
  const calls = new MemoryCalls();
  const size = { length: toByteLength(buffer.length), pageSize: calls.pageSize() };
  const callCount = failEachCall((files) => layoutOfDmaBuf(calls, fd.borrow(), { ...size, files }));
  assert.ok(callCount > 10, `${callCount} calls`);
});

test('traceAllocation() allocates whichever call fails, and leaves tracing as it was', { skip: skipKernel }, (t) => {
  const heap = openTestHeap(t, 'kernel');
  const pageSize = toByteLength(heap.pageSize);
  const length = toByteLength(8 * KiB);
  const callCount = failEachCall((files) => {
    const { value, layout } = traceAllocation({ machine: otherMachine({ root: '/' }), files, length, pageSize }, () =>
      heap.allocate(length),
    );
    assert.equal(value.length, length);
    value.close();
    return layout;
  });
  assert.ok(callCount > 8, `${callCount} calls`);
  const before = traceState();
  const failing = (): never => {
    throw new RangeError('no room');
  };
  assert.throws(
    () => traceAllocation({ machine: otherMachine({ root: '/' }), length, pageSize }, failing),
    /^RangeError: no room$/u,
  );
  assert.deepEqual(traceState(), before);
});

test(
  'TraceInstance of a killed process is removed by the next, that of a living one is not',
  { skip: skipKernel },
  async (t) => {
    const buffer = openTestHeap(t, 'kernel').allocate(8 * KiB);
    t.after(() => buffer.close());
    const before = traceState();
    const child = spawn(process.execPath, ['--input-type=module', '--eval', HANGING], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const open = traceState();
    assert.ok(open['instances']?.includes(`dmabuf_${child.pid}_0`));
    assert.match(String(open['dynamic_events']), /dmabuf_\d+_0\/stays/u);
    assert.ok(importedLayout(buffer).known);
    assert.deepEqual(traceState(), open);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.deepEqual(traceState(), open, 'a killed process cleans nothing up');
    assert.ok(importedLayout(buffer).known);
    assert.deepEqual(traceState(), before);
  },
);

test('layout() is unknown while another process holds our name for a probe', { skip: skipKernel }, (t) => {
  const buffer = openTestHeap(t, 'kernel').allocate(8 * KiB);
  const other = join(INSTANCES, `other-${process.pid}`);
  const group = `dmabuf_${process.pid}_0`;
  TRACE_FILES.write(join(TRACEFS, 'kprobe_events'), `p:${group}/remap_pfn_range vmf_insert_pfn`);
  mkdirSync(other);
  t.after(() => buffer.close());
  TRACE_FILES.write(join(other, 'events', group, 'enable'), '1');
  const before = traceState();
  const layout = buffer.layout();
  assert.match(layout.known ? 'known' : layout.reason, /kprobe_events: write failed with EEXIST$/u);
  assert.deepEqual(traceState(), before);
  rmdirSync(other);
  // The probe is unused now, so it counts as a leftover of this process.
  assert.ok(buffer.layout().known);
});

const HANGING = `
  import { TraceInstance } from '${new URL('../../src/linux/tracefs/tracefs-instance.js', import.meta.url).href}';
  import { TRACE_FILES } from '${new URL('../../src/linux/tracefs/tracefs-files.js', import.meta.url).href}';
  const trace = new TraceInstance({ tracefs: '${TRACEFS}', root: '/', files: TRACE_FILES, bufferBytes: 4096 });
  trace.addProbe('stays', 'remap_pfn_range');
  trace.recordProbes('common_pid == 1');
  console.log('open');
  setInterval(() => {}, 1000);`;
