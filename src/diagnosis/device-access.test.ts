import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { asNobody, cannotBeNobody } from '../../test/support/processes/other-user.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { diagnoseRefusedDevice, explainRefusedDevice } from './device-access.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

const RELEASE = { 'proc/sys/kernel/osrelease': '6.12.90-test\n' };
const CONFIG_PATH = 'boot/config-6.12.90-test';
const ALICE = {
  'proc/self/status': 'Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t1000\nCapEff:\t0\n',
  'etc/passwd': 'alice:x:1000:1000::/home/alice:/bin/sh\n',
  'etc/group': 'root:x:0:\nvideo:x:44:\nkvm:x:106:\n',
  ...RELEASE,
};
const HEAP = '/dev/dma_heap/system';
const UDMABUF = '/dev/udmabuf';

test('explainRefusedDevice() says to load a driver that is a module', (t) => {
  const root = temporaryTree(t, { ...ALICE, 'lib/modules/6.12.90-test/modules.dep': 'kernel/udmabuf.ko:\n' });
  assert.deepEqual(explainRefusedDevice(UDMABUF, 'ENOENT', otherMachine({ root })), {
    reason: 'there is no /dev/udmabuf, as its driver is not loaded',
    remedy: 'run: sudo modprobe udmabuf',
  });
});

test('explainRefusedDevice() asks for another kernel where this one is built without the driver', (t) => {
  const root = temporaryTree(t, { ...ALICE, [CONFIG_PATH]: 'CONFIG_MEMFD_CREATE=y\n' });
  assert.deepEqual(explainRefusedDevice(UDMABUF, 'ENOENT', otherMachine({ root })), {
    reason: 'there is no /dev/udmabuf, as this kernel is built without it',
    remedy: 'boot a kernel built with CONFIG_UDMABUF=y',
  });
  assert.deepEqual(explainRefusedDevice(HEAP, 'ENOENT', otherMachine({ root })), {
    reason: 'there is no /dev/dma_heap, as this kernel is built without it',
    remedy: 'boot a kernel built with CONFIG_DMABUF_HEAPS_SYSTEM=y',
  });
});

test("explainRefusedDevice() names both remedies where the kernel's drivers are unknown", (t) => {
  assert.deepEqual(explainRefusedDevice(UDMABUF, 'ENOENT', otherMachine({ root: temporaryTree(t, ALICE) })), {
    reason: 'there is no /dev/udmabuf',
    remedy: 'run: sudo modprobe udmabuf; without that module, boot a kernel built with CONFIG_UDMABUF=y',
  });
});

test('explainRefusedDevice() does not load what the kernel has: the /dev is not its own, or CMA has no area', (t) => {
  const config = 'CONFIG_DMABUF_HEAPS_SYSTEM=y\nCONFIG_DMABUF_HEAPS_CMA=y\nCONFIG_UDMABUF=y\n';
  const root = temporaryTree(t, { ...ALICE, [CONFIG_PATH]: config });
  assert.match(explainRefusedDevice(UDMABUF, 'ENOENT', otherMachine({ root })).remedy, /devtmpfs/u);
  assert.match(explainRefusedDevice('/dev/dma_heap/linux,cma', 'ENOENT', otherMachine({ root })).remedy, /cma=64M/u);
});

test('explainRefusedDevice() names the existing heaps', (t) => {
  const root = temporaryTree(t, { ...ALICE, 'dev/dma_heap/system': '', 'dev/dma_heap/reserved': '' });
  const { reason, remedy } = explainRefusedDevice('/dev/dma_heap/vidbuf_cached', 'ENOENT', otherMachine({ root }));
  assert.equal(reason, 'there is no /dev/dma_heap/vidbuf_cached beside reserved, system');
  assert.match(remedy, /device tree or a vendor kernel/u);
});

test('explainRefusedDevice() tells an empty /dev/dma_heap from a missing one', (t) => {
  const root = temporaryTree(t, ALICE);
  mkdirSync(join(root, 'dev/dma_heap'), { recursive: true });
  assert.equal(explainRefusedDevice(HEAP, 'ENOENT', otherMachine({ root })).reason, '/dev/dma_heap is empty');
});

test('explainRefusedDevice() says to start a container with the device, unless the kernel lacks it', (t) => {
  const docker = { ...ALICE, '.dockerenv': '' };
  assert.deepEqual(explainRefusedDevice(HEAP, 'ENOENT', otherMachine({ root: temporaryTree(t, docker) })), {
    reason: 'there is no /dev/dma_heap in this container (docker)',
    remedy: 'start the container with: --device /dev/dma_heap/system (where the host has it)',
  });
  const without = temporaryTree(t, { ...docker, [CONFIG_PATH]: '# CONFIG_UDMABUF is not set\n' });
  assert.match(explainRefusedDevice(UDMABUF, 'ENOENT', otherMachine({ root: without })).remedy, /^boot a kernel/u);
});

test('explainRefusedDevice() tells a node without a driver from a missing node', (t) => {
  const root = temporaryTree(t, { ...ALICE, 'dev/udmabuf': '' });
  for (const code of ['ENODEV', 'ENXIO'] as const) {
    assert.equal(
      explainRefusedDevice(UDMABUF, code, otherMachine({ root })).reason,
      'there is a node /dev/udmabuf, but no driver behind it',
    );
  }
});

test('explainRefusedDevice() takes EPERM for the control group of a service or a container', (t) => {
  const service = explainRefusedDevice(HEAP, 'EPERM', otherMachine({ root: temporaryTree(t, ALICE) }));
  assert.match(service.reason, /control group/u);
  assert.match(service.remedy, /DeviceAllow=\/dev\/dma_heap\/system rw$/u);
  const container = temporaryTree(t, { ...ALICE, 'run/.containerenv': '' });
  assert.match(
    explainRefusedDevice(HEAP, 'EPERM', otherMachine({ root: container })).remedy,
    /--device \/dev\/dma_heap\/system$/u,
  );
});

test('explainRefusedDevice() raises the limit of open files for EMFILE, and shows the rest as it is', (t) => {
  const root = temporaryTree(t, ALICE);
  assert.match(explainRefusedDevice(HEAP, 'EMFILE', otherMachine({ root })).remedy, /ulimit -n/u);
  assert.deepEqual(explainRefusedDevice(HEAP, 'EIO', otherMachine({ root })), {
    reason: '/dev/dma_heap/system cannot be opened (EIO)',
    remedy: 'run: ls -l /dev/dma_heap/system && sudo dmesg | tail; the kernel may have said why',
  });
});

test('explainRefusedDevice() explains a device that disappears meanwhile', (t) => {
  assert.match(
    explainRefusedDevice(UDMABUF, 'EACCES', otherMachine({ root: temporaryTree(t, ALICE) })).reason,
    /^there is no \/dev\/udmabuf/u,
  );
});

test(
  'explainRefusedDevice() names the owner of the device',
  { skip: process.geteuid?.() !== 0 && 'only root can give a file to a group that it is not in' },
  (t) => {
    const root = temporaryTree(t, { ...ALICE, 'dev/dma_heap/system': '', 'dev/udmabuf': '', 'run/udev/control': '' });
    chownSync(join(root, HEAP), 0, 44);
    chmodSync(join(root, HEAP), 0o660);
    assert.deepEqual(explainRefusedDevice(HEAP, 'EACCES', otherMachine({ root })), {
      reason: '/dev/dma_heap/system belongs to root:video with mode 0660, and user alice is not in that group',
      remedy: 'run: sudo usermod -aG video alice; log in again afterwards',
    });
    chmodSync(join(root, UDMABUF), 0o600);
    const [rule] = diagnoseRefusedDevice(UDMABUF, 'EACCES', otherMachine({ root })).remedy.commands;
    assert.match(rule ?? '', /^echo 'SUBSYSTEM=="misc", KERNEL=="udmabuf", GROUP="kvm", MODE="0660"' \| sudo tee /u);
  },
);

test('explainRefusedDevice() names the folder that may not be looked into', { skip: cannotBeNobody() }, (t) => {
  const root = temporaryTree(t, { ...ALICE, 'dev/dma_heap/system': '' });
  chmodSync(root, 0o755);
  const folder = join(root, 'dev/dma_heap');
  chmodSync(folder, 0);
  try {
    for (const path of [HEAP, '/dev/dma_heap']) {
      const { reason, remedy } = asNobody(() => explainRefusedDevice(path, 'EACCES', otherMachine({ root })));
      assert.match(reason, /^\/dev\/dma_heap may not be looked into: it belongs to .* with mode 0000$/u);
      assert.equal(remedy, 'run: sudo chmod 0755 /dev/dma_heap');
    }
  } finally {
    chmodSync(folder, 0o755);
  }
});
