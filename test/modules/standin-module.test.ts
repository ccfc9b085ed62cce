/** The kernel module dmabuf_standin: its three callers, as a tracer of the kernel sees them. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';

import { MiB, openHeap } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import type { OwnedFd } from '../../src/linux/calls/fd.ts';
import { readDmaBufTotals } from '../support/devices/dma-buf-totals.ts';
import { loadModule, missingModules, removeModule, unloadModule } from '../support/devices/own-modules.ts';
import { DMABUF_STANDIN_CAM, DMABUF_STANDIN_HOLD } from '../support/devices/standin-uapi.ts';
import { Standin } from '../support/devices/standin.ts';
import type { StandinCaller } from '../support/devices/standin.ts';

const MODULE = 'dmabuf_standin';
const TRACING = '/sys/kernel/tracing';
const INSTANCE = `${TRACING}/instances/standin-test`;
const EVENT = 'standin_test/vmap';
const skip = missingModules();

/** As the mail's call traces have them, with each name after "standin_". */
const PATHS: Readonly<Record<StandinCaller, readonly string[]>> = {
  aov: ['standin_aov_core_init', 'standin_aov_probe'],
  cam: ['standin_cam_vb2_vaddr', 'standin_vb2_plane_vaddr', 'standin_cam_job_fill_ipi_frame'],
  npu: [
    'standin_apu_sysmem_alloc',
    'standin_mdw_mem_alloc',
    'standin_mdw_mem_pool_chunk_add',
    'standin_mdw_mem_pool_create',
    'standin_mdw_drv_open',
  ],
};

before(() => {
  if (skip === false) loadModule(MODULE);
});
after(() => {
  if (skip === false) unloadModule(MODULE);
});

function allocate(t: TestContext, length: number): { buffer: DmaBuf; fd: OwnedFd } {
  const heap = openHeap('system', { backends: ['kernel'] });
  t.after(() => heap.close());
  const buffer = heap.allocate(length);
  const fd = buffer.exportFd();
  t.after(() => fd.close());
  return { buffer, fd };
}

function open(t: TestContext): Standin {
  const standin = new Standin();
  t.after(() => standin.close());
  return standin;
}

/** The stack of each call of `dma_buf_vmap` during `body`, by the kernel's own tracer. */
function traceStacks(body: () => void): string[][] {
  writeFileSync(`${TRACING}/kprobe_events`, `p:${EVENT} dma_buf_vmap\n`, { flag: 'a' });
  mkdirSync(INSTANCE);
  try {
    writeFileSync(`${INSTANCE}/events/${EVENT}/trigger`, 'stacktrace\n', { flag: 'a' });
    writeFileSync(`${INSTANCE}/events/${EVENT}/enable`, '1');
    body();
    writeFileSync(`${INSTANCE}/events/${EVENT}/enable`, '0');
    const [, ...stacks] = readFileSync(`${INSTANCE}/trace`, 'utf8').split('<stack trace>');
    return stacks.map((stack) =>
      [...stack.matchAll(/^ => (?<name>\S+)$/gmu)].map(({ groups }) => groups?.['name'] ?? ''),
    );
  } finally {
    rmdirSync(INSTANCE);
    writeFileSync(`${TRACING}/kprobe_events`, `-:${EVENT}\n`, { flag: 'a' });
  }
}

function callersIn(stack: readonly string[]): string[] {
  const start = stack.indexOf('dma_buf_vmap_unlocked');
  const end = stack.indexOf('standin_ioctl');
  return stack.slice(start + 1, end);
}

for (const caller of ['cam', 'npu', 'aov'] as const) {
  test(`the stand-in ${caller} maps once a call, by the path of the mail's call trace`, { skip }, (t) => {
    const { fd } = allocate(t, MiB);
    const standin = open(t);
    const stacks = traceStacks(() => standin.map(caller, fd.borrow()));
    assert.deepEqual(stacks.map(callersIn), [PATHS[caller]], JSON.stringify(stacks));
    if (caller !== 'aov') return;
    // It holds the buffer until it is unloaded.
    standin.close();
    unloadModule(MODULE);
    loadModule(MODULE);
  });
}

test('the stand-in camera maps for each frame, clears its header, and unmaps', { skip }, async (t) => {
  const { buffer, fd } = allocate(t, MiB);
  await buffer.access('write', (bytes) => bytes.fill(0xff));
  const standin = open(t);
  const stacks = traceStacks(() => {
    for (let frame = 0; frame < 5; frame += 1) {
      const { size, mapNs } = standin.map('cam', fd.borrow());
      assert.equal(size, MiB);
      assert.ok(mapNs > 0);
    }
  });
  assert.equal(stacks.length, 5);
  await buffer.access('read', (bytes) => {
    assert.deepEqual([...bytes.subarray(0, 65)], [...new Uint8Array(64), 0xff]);
    assert.ok(bytes.subarray(65).every((byte) => byte === 0xff));
  });
});

test('the stand-in NPU holds every chunk until its file is closed', { skip }, (t) => {
  const before = readDmaBufTotals();
  const standin = new Standin();
  for (let chunk = 0; chunk < 3; chunk += 1) {
    const { buffer, fd } = allocate(t, MiB);
    standin.map('npu', fd.borrow());
    fd.close();
    buffer.close();
  }
  const [, count, bytes] = /Total (?<count>\d+) objects, (?<bytes>\d+)/u.exec(before) ?? [];
  assert.equal(readDmaBufTotals(), `Total ${Number(count) + 3} objects, ${Number(bytes) + 3 * MiB} bytes`);
  standin.close();
  assert.equal(readDmaBufTotals(), before);
});

test('the stand-in NPU takes 256 chunks', { skip }, (t) => {
  const { fd } = allocate(t, 4096);
  const standin = open(t);
  for (let chunk = 0; chunk < 256; chunk += 1) standin.map('npu', fd.borrow());
  assert.throws(() => standin.map('npu', fd.borrow()), { code: 'ENOSPC' });
});

test('always-on vision stands in with one buffer, from its first call until it is unloaded', { skip }, (t) => {
  const before = readDmaBufTotals();
  const { buffer, fd } = allocate(t, MiB);
  const standin = new Standin();
  standin.map('aov', fd.borrow());
  assert.throws(() => standin.map('aov', fd.borrow()), { code: 'EBUSY' });
  assert.match(removeModule(MODULE), /Resource temporarily unavailable/u);
  standin.close();
  fd.close();
  buffer.close();
  assert.notEqual(readDmaBufTotals(), before);
  unloadModule(MODULE);
  t.after(() => loadModule(MODULE));
  assert.equal(readDmaBufTotals(), before);
});

test('the stand-in refuses what is no dma-buf, and what it does not know', { skip }, (t) => {
  const { fd } = allocate(t, 4096);
  const standin = open(t);
  assert.throws(() => standin.call(DMABUF_STANDIN_CAM, { fd: -1 }), { code: 'EBADF' });
  assert.throws(() => standin.call(DMABUF_STANDIN_CAM, { fd: 0 }), { code: 'EINVAL' });
  assert.throws(() => standin.call(DMABUF_STANDIN_CAM, { fd: fd.borrow(), holdMs: 1 }), { code: 'EINVAL' });
  for (const holdMs of [0, 10_001]) assert.throws(() => standin.hold(fd.borrow(), holdMs), { code: 'EINVAL' });
  assert.throws(() => standin.call(DMABUF_STANDIN_HOLD + 1, { fd: fd.borrow() }), { code: 'ENOTTY' });
});

test('the stand-in leaves nothing behind when it is unloaded, 20 times over', { skip }, (t) => {
  unloadModule(MODULE);
  t.after(() => loadModule(MODULE));
  const { fd } = allocate(t, MiB);
  const totals = readDmaBufTotals();
  for (let time = 0; time < 20; time += 1) {
    loadModule(MODULE);
    const standin = new Standin();
    for (const caller of ['aov', 'cam', 'npu'] as const) standin.map(caller, fd.borrow());
    standin.close();
    unloadModule(MODULE);
    assert.ok(!existsSync('/dev/dmabuf-standin') && !existsSync(`/sys/module/${MODULE}`));
  }
  assert.equal(readDmaBufTotals(), totals);
});
