import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { findDriver } from './kernel-driver.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const HEAP = { module: 'system_heap', option: 'CONFIG_DMABUF_HEAPS_SYSTEM' };
const RELEASE = { 'proc/sys/kernel/osrelease': '6.12.90-test\n' };
const CONFIG_PATH = 'boot/config-6.12.90-test';
const LIST_PATH = 'lib/modules/6.12.90-test/modules.dep';

test('findDriver() finds a module in modules.dep, compressed or not, with either dash', (t) => {
  for (const line of [
    'kernel/drivers/dma-buf/heaps/system_heap.ko:',
    'kernel/drivers/dma-buf/heaps/system-heap.ko.xz: kernel/lib/other.ko.xz',
  ]) {
    const root = temporaryTree(t, { ...RELEASE, [LIST_PATH]: `kernel/a.ko:\n${line}\n` });
    assert.equal(findDriver(HEAP, otherMachine({ root })), 'loadable', line);
  }
});

test("findDriver() does not mistake a module's dependency, or a longer name, for the module", (t) => {
  const list = 'kernel/a.ko: kernel/system_heap.ko\nkernel/not_system_heap.ko:\nkernel/system_heap_too.ko:\n';
  const root = temporaryTree(t, { ...RELEASE, [LIST_PATH]: list, [CONFIG_PATH]: '' });
  assert.equal(findDriver(HEAP, otherMachine({ root })), 'absent');
});

test('findDriver() asks the configuration about a driver that is not a module', (t) => {
  const placed = (config: string): string =>
    findDriver(HEAP, otherMachine({ root: temporaryTree(t, { ...RELEASE, [CONFIG_PATH]: config }) }));
  assert.equal(placed('CONFIG_DMABUF_HEAPS_SYSTEM=y\n'), 'builtin');
  assert.equal(placed('CONFIG_DMABUF_HEAPS_SYSTEM=m\n'), 'loadable');
  assert.equal(placed('# CONFIG_DMABUF_HEAPS_SYSTEM is not set\n'), 'absent');
});

test('findDriver() cannot tell without a configuration, unless the kernel shows the parameters', (t) => {
  assert.equal(findDriver(HEAP, otherMachine({ root: temporaryTree(t, RELEASE) })), 'unknown');
  const root = temporaryTree(t, { ...RELEASE, 'sys/module/system_heap/parameters/any': '1\n' });
  assert.equal(findDriver(HEAP, otherMachine({ root })), 'builtin');
});
