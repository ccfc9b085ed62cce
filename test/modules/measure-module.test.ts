/** The kernel module dmabuf_measure: what it says of real buffers, refuses and leaves. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { KiB, MiB, createUdmabuf, openHeap } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import type { OwnedFd } from '../../src/linux/calls/fd.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { KernelVmapCalls } from '../../src/linux/calls/kernel-vmap-calls.ts';
import type { KernelVmapRound } from '../../src/linux/calls/kernel-vmap-calls.ts';
import { DMABUF_MEASURE_ROUND, dmabufMeasureRound } from '../../src/uapi/dmabuf-measure.ts';
import { readDmaBufTotals } from '../support/devices/dma-buf-totals.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import {
  insertModule,
  loadModule,
  missingModules,
  pathOfModule,
  removeModule,
  unloadModule,
} from '../support/devices/own-modules.ts';
import { Standin } from '../support/devices/standin.ts';
import { NOBODY } from '../support/processes/other-user.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const MODULE = 'dmabuf_measure';
const DEVICE = '/dev/dmabuf-measure';
/** MFD_HUGETLB (include/uapi/linux/memfd.h). */
const HUGE = 0x0004;
const skip = missingModules();
const calls = new KernelVmapCalls();

/** The buffers here are small, and one is 4 KiB too large. */
const SIZE_MAX_MIB = 64;

before(() => {
  if (skip === false) loadModule(MODULE, `size_max_mib=${SIZE_MAX_MIB}`);
});
after(() => {
  if (skip === false) unloadModule(MODULE);
});

function allocate(t: TestContext, length: number): { buffer: DmaBuf; fd: OwnedFd } {
  const heap = openHeap('system', { backends: ['kernel'] });
  t.after(() => heap.close());
  const buffer = heap.allocate(length, { traceLayout: true });
  const fd = buffer.exportFd();
  t.after(() => fd.close());
  return { buffer, fd };
}

/** A round, with the device open only for it. */
function measure(fd: OwnedFd, round = 0): KernelVmapRound {
  const device = calls.openDevice(DEVICE);
  try {
    return calls.measureRound(device.borrow(), fd.borrow(), round);
  } finally {
    device.close();
  }
}

function entriesOf(buffer: DmaBuf): number {
  const layout = buffer.layout();
  assert.ok(layout.known, JSON.stringify(layout));
  return layout.table.entryCount;
}

test('dmabuf_measure counts the pages and entries that the trace of the allocation shows', { skip }, (t) => {
  for (const length of [4 * KiB, 64 * KiB, 68 * KiB, MiB, 3 * MiB + 68 * KiB, 64 * MiB]) {
    const { buffer, fd } = allocate(t, length);
    const { size, pageCount, entryCount } = measure(fd);
    assert.deepEqual([size, pageCount, entryCount], [length, length / 4096, entriesOf(buffer)]);
    buffer.close();
    fd.close();
  }
});

test('dmabuf_measure times every step, whichever walk comes first', { skip }, (t) => {
  const { fd } = allocate(t, 8 * MiB);
  for (const round of [0, 1]) {
    const { times } = measure(fd, round);
    for (const [name, ns] of Object.entries(times)) assert.ok(ns > 0 && ns < 1e9, `${name} ${ns}`);
    assert.ok(times.wholeNs > times.byPageNs, JSON.stringify(times));
  }
});

test('dmabuf_measure leaves the bytes of a buffer alone', { skip }, async (t) => {
  const { buffer, fd } = allocate(t, 2 * MiB);
  await buffer.access('write', (bytes) => bytes.forEach((_, index) => (bytes[index] = index % 251)));
  measure(fd);
  await buffer.access('read', (bytes) => assert.ok(bytes.every((byte, index) => byte === index % 251)));
});

test('dmabuf_measure refuses what is no dma-buf, is closed, or is too large', { skip }, (t) => {
  const memfd = createMemfd({ length: 4096 });
  t.after(() => memfd.close());
  assert.throws(() => measure(memfd), { code: 'EINVAL' });
  const device = calls.openDevice(DEVICE);
  t.after(() => device.close());
  const refusal = (fd: number): number =>
    kernelCalls.ioctl(device.borrow(), DMABUF_MEASURE_ROUND, dmabufMeasureRound.write({ fd }));
  // EBADF and EINVAL, as dma_buf_get() has them.
  assert.deepEqual([refusal(-1), refusal(9999), refusal(device.borrow())], [-9, -9, -22]);
  assert.equal(measure(allocate(t, SIZE_MAX_MIB * MiB).fd).size, SIZE_MAX_MIB * MiB);
  const { fd } = allocate(t, SIZE_MAX_MIB * MiB + 4096);
  assert.throws(() => measure(fd), { code: 'EFBIG' });
});

test('dmabuf_measure refuses other commands, and its own with another size', { skip }, (t) => {
  const { fd } = allocate(t, 4096);
  const device = calls.openDevice(DEVICE);
  t.after(() => device.close());
  const argument = dmabufMeasureRound.write({ fd: fd.borrow() });
  const sizeShift = 16;
  for (const command of [DMABUF_MEASURE_ROUND + 1, DMABUF_MEASURE_ROUND - (8 << sizeShift), 0]) {
    // ENOTTY
    assert.equal(kernelCalls.ioctl(device.borrow(), command, argument), -25);
  }
});

test('dmabuf_measure refuses a buffer that is mapped already, until it no longer is', { skip }, (t) => {
  loadModule('dmabuf_standin');
  t.after(() => unloadModule('dmabuf_standin'));
  const { fd } = allocate(t, MiB);
  const standin = new Standin();
  try {
    standin.map('npu', fd.borrow());
    assert.throws(() => measure(fd), { code: 'EBUSY' });
  } finally {
    standin.close();
  }
  assert.equal(measure(fd).pageCount, 256);
});

test('dmabuf_measure takes a udmabuf, whose every page is an entry', { skip }, (t) => {
  const memfd = createMemfd({ length: MiB });
  t.after(() => memfd.close());
  const buffer = createUdmabuf([{ fd: memfd.borrow(), offset: 0, length: MiB }]);
  t.after(() => buffer.close());
  const fd = buffer.exportFd();
  t.after(() => fd.close());
  const { pageCount, entryCount } = measure(fd);
  assert.deepEqual([pageCount, entryCount], [256, 256]);
});

test('dmabuf_measure refuses a table with offsets, as udmabuf makes of huge pages', { skip }, (t) => {
  writeFileSync('/proc/sys/vm/nr_hugepages', '1');
  t.after(() => writeFileSync('/proc/sys/vm/nr_hugepages', '0'));
  assert.equal(readFileSync('/proc/sys/vm/nr_hugepages', 'utf8').trim(), '1');
  const memfd = createMemfd({ length: 2 * MiB, flags: HUGE });
  const buffer = createUdmabuf([{ fd: memfd.borrow(), offset: 0, length: 2 * MiB }]);
  const fd = buffer.exportFd();
  try {
    assert.throws(() => measure(fd), { code: 'EOPNOTSUPP' });
  } finally {
    for (const each of [fd, buffer, memfd]) each.close();
  }
});

test('dmabuf_measure is for root alone, also through a descriptor that root opened', { skip }, (t) => {
  const { fd } = allocate(t, 4096);
  const device = calls.openDevice(DEVICE);
  t.after(() => device.close());
  const unprivileged = (script: string): string =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      uid: NOBODY,
      stdio: ['ignore', 'pipe', 'inherit', device.borrow(), fd.borrow()],
      encoding: 'utf8',
    }).stdout;
  const importOf = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
  const open = `
    import { openSync } from 'node:fs';
    try { openSync('${DEVICE}', 'r+') } catch (error) { process.stdout.write(error.code) }`;
  assert.equal(unprivileged(open), 'EACCES');
  t.after(() => chmodSync(DEVICE, 0o600));
  chmodSync(DEVICE, 0o666);
  assert.equal(unprivileged(open), 'EPERM');
  const inherited = `
    import { KernelVmapCalls } from '${importOf('linux/calls/kernel-vmap-calls.js')}';
    try { new KernelVmapCalls().measureRound(3, 4, 0) } catch (error) { process.stdout.write(error.code) }`;
  assert.equal(unprivileged(inherited), 'EPERM');
});

test('dmabuf_measure is not unloaded while its device is open', { skip }, () => {
  const device = calls.openDevice(DEVICE);
  try {
    assert.match(removeModule(MODULE), /Resource temporarily unavailable/u);
  } finally {
    device.close();
  }
});

test('dmabuf_measure leaves nothing behind when it is unloaded, 20 times over', { skip }, (t) => {
  unloadModule(MODULE);
  t.after(() => loadModule(MODULE, `size_max_mib=${SIZE_MAX_MIB}`));
  const { fd } = allocate(t, MiB);
  const totals = readDmaBufTotals();
  const descriptors = readdirSync('/proc/self/fd').length;
  for (let time = 0; time < 20; time += 1) {
    loadModule(MODULE);
    assert.equal(measure(fd, time).pageCount, 256);
    unloadModule(MODULE);
    assert.deepEqual(
      [DEVICE, `/sys/module/${MODULE}`, `/sys/devices/platform/${MODULE}`].filter((path) => existsSync(path)),
      [],
    );
  }
  assert.equal(readDmaBufTotals(), totals);
  assert.equal(readdirSync('/proc/self/fd').length, descriptors);
  assert.doesNotMatch(readFileSync('/proc/vmallocinfo', 'utf8'), /dmabuf_measure/u);
});

test('dmabuf_measure refuses a kernel of another series, and says so', { skip }, (t) => {
  unloadModule(MODULE);
  t.after(() => loadModule(MODULE, `size_max_mib=${SIZE_MAX_MIB}`));
  const file = readFileSync(pathOfModule(MODULE));
  const series = Buffer.from('6.12.\0');
  const place = file.indexOf(series);
  assert.ok(place !== -1 && file.indexOf(series, place + 1) === -1);
  file.write('6.99.', place, 'latin1');
  const path = join(temporaryFolder(t), 'other.ko');
  writeFileSync(path, file);
  // ENOEXEC
  assert.match(insertModule(path), /invalid module format/iu);
  const log = spawnSync('dmesg', { encoding: 'utf8' }).stdout;
  assert.match(log, /dmabuf_measure is written for Linux 6\.99\.x, and this is 6\.12\./u);
  assert.ok(!existsSync(DEVICE) && !existsSync(`/sys/devices/platform/${MODULE}`));
});
