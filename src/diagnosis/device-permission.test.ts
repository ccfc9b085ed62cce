import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Identity } from './accounts.ts';
import { explainForbidden, permitsReading } from './device-permission.ts';
import type { Requester, NodeOwnership } from './device-permission.ts';
import { formatRemedy } from './remedy.ts';

const HEAP = '/dev/dma_heap/system';
const FAMILY = { subsystem: 'dma_heap', groups: ['video', 'render'] } as const;
const ROOTS_OWN: NodeOwnership = { ownerId: 0, groupId: 0, mode: 0o600 };
const VIDEOS: NodeOwnership = { ownerId: 0, groupId: 44, mode: 0o660 };
const ALICE: Identity = { userId: 1000, userName: 'alice', groupIds: [1000], overridesPermissions: false };
const GROUPS = [
  { id: 0, name: 'root', members: ['root'] },
  { id: 44, name: 'video', members: ['bob'] },
];
const ASKER: Requester = { identity: ALICE, groups: GROUPS, container: undefined, hasUdev: true };

function explain(node: NodeOwnership, changes: Partial<Requester> = {}): { reason: string; remedy: string } {
  const { reason, remedy } = explainForbidden(HEAP, node, FAMILY, { ...ASKER, ...changes });
  return { reason, remedy: formatRemedy(remedy) };
}

test('permitsReading() looks at the first class that fits, as the kernel does', () => {
  const inVideo = { ...ALICE, groupIds: [1000, 44] };
  assert.equal(permitsReading(VIDEOS, ALICE), false);
  assert.equal(permitsReading(VIDEOS, inVideo), true);
  // Allocation needs only read permission (dma_heap_open, udmabuf_ioctl).
  assert.equal(permitsReading({ ...VIDEOS, mode: 0o640 }, inVideo), true);
  assert.equal(permitsReading({ ...VIDEOS, mode: 0o444 }, ALICE), true);
  assert.equal(permitsReading({ ...VIDEOS, mode: 0o620 }, inVideo), false);
  assert.equal(permitsReading({ ...VIDEOS, mode: 0o606 }, inVideo), false);
  assert.equal(permitsReading({ ...VIDEOS, mode: 0o606 }, ALICE), true);
  assert.equal(permitsReading({ ownerId: 1000, groupId: 44, mode: 0o066 }, inVideo), false);
  assert.equal(permitsReading({ ownerId: 1000, groupId: 44, mode: 0o600 }, ALICE), true);
});

test('permitsReading() lets CAP_DAC_OVERRIDE pass, and does not infer it from user 0', () => {
  assert.equal(permitsReading({ ...VIDEOS, mode: 0 }, { ...ALICE, overridesPermissions: true }), true);
  assert.equal(permitsReading({ ...VIDEOS, ownerId: 7 }, { ...ALICE, userId: 0 }), false);
});

test('explainForbidden() says to join the group that may open the device', () => {
  assert.deepEqual(explain(VIDEOS), {
    reason: '/dev/dma_heap/system belongs to root:video with mode 0660, and user alice is not in that group',
    remedy: 'run: sudo usermod -aG video alice; log in again afterwards',
  });
});

test('explainForbidden() says to log in again to a member whose session is older', () => {
  const groups = [{ id: 44, name: 'video', members: ['alice'] }];
  assert.deepEqual(explain(VIDEOS, { groups }), {
    reason:
      '/dev/dma_heap/system belongs to root:video with mode 0660; user alice is in that group, but this session began before',
    remedy: 'log in again, or go on in a shell of: newgrp video',
  });
});

test('explainForbidden() says to name a nameless group, and to join it', () => {
  assert.equal(
    explain(VIDEOS, { groups: [] }).remedy,
    'run: sudo groupadd --gid 44 dmabuf && sudo usermod -aG dmabuf alice; log in again afterwards',
  );
});

test('explainForbidden() lets the shell find the name of an unknown user', () => {
  const identity = { ...ALICE, userName: undefined };
  const { reason, remedy } = explain(VIDEOS, { identity });
  assert.match(reason, /and user 1000 is not in that group$/u);
  assert.match(remedy, /^run: sudo usermod -aG video "\$USER"; /u);
});

test('explainForbidden() gives a root-only device to a group by a udev rule', () => {
  assert.deepEqual(explain(ROOTS_OWN), {
    reason: '/dev/dma_heap/system belongs to root:root with mode 0600, which lets no one else in',
    remedy:
      `run: echo 'SUBSYSTEM=="dma_heap", KERNEL=="system", GROUP="video", MODE="0660"' | ` +
      'sudo tee /etc/udev/rules.d/60-dmabuf-system.rules && sudo udevadm control --reload && ' +
      'sudo udevadm trigger --subsystem-match=dma_heap --sysname-match=system && ' +
      'sudo usermod -aG video alice; log in again afterwards; the rule outlives a restart',
  });
});

test('explainForbidden() does not put users into the group of root', () => {
  const { remedy } = explain({ ownerId: 0, groupId: 0, mode: 0o660 });
  assert.match(remedy, /GROUP="video"/u);
  assert.doesNotMatch(remedy, /usermod -aG root/u);
});

test('explainForbidden() does not put users into a group that could do far more, such as kmem', () => {
  const groups = [...GROUPS, { id: 15, name: 'kmem', members: [] }];
  const { reason, remedy } = explain({ ownerId: 0, groupId: 15, mode: 0o640 }, { groups });
  assert.match(
    reason,
    /^\/dev\/dma_heap\/system belongs to root:kmem with mode 0640, which lets no one else in than /u,
  );
  assert.match(remedy, /GROUP="video"/u);
  assert.doesNotMatch(remedy, /usermod -aG kmem/u);
});

test('explainForbidden() takes the first group that the machine has, and makes one where it has none', () => {
  const render = [{ id: 105, name: 'render', members: [] }];
  assert.match(explain(ROOTS_OWN, { groups: render }).remedy, /GROUP="render".*usermod -aG render alice/u);
  assert.match(explain(ROOTS_OWN, { groups: [] }).remedy, /^run: sudo groupadd --system video && echo /u);
});

test('explainForbidden() does not tell a member of the group to join it', () => {
  const identity = { ...ALICE, groupIds: [1000, 44] };
  assert.doesNotMatch(explain(ROOTS_OWN, { identity }).remedy, /usermod|log in/u);
});

test('explainForbidden() changes the node itself where there is no udev', () => {
  assert.equal(
    explain(ROOTS_OWN, { hasUdev: false }).remedy,
    'run: sudo chgrp video /dev/dma_heap/system && sudo chmod 0660 /dev/dma_heap/system && sudo usermod -aG video alice; ' +
      'log in again afterwards; without udev this has to be done again after a restart',
  );
});

test('explainForbidden() names files of udev rules without the characters that heaps may have', () => {
  const { remedy } = explainForbidden('/dev/dma_heap/linux,cma', ROOTS_OWN, FAMILY, ASKER);
  assert.match(remedy.commands[0] ?? '', /KERNEL=="linux,cma".*\/60-dmabuf-linux-cma\.rules$/u);
});

test('explainForbidden() says to start a container with the group', () => {
  const docker = { engine: 'docker', evidence: '/.dockerenv' };
  assert.equal(explain(VIDEOS, { container: docker }).remedy, 'start the container with: --group-add 44');
  const podman = { engine: 'podman', evidence: '/run/.containerenv' };
  assert.match(explain(VIDEOS, { container: podman }).remedy, /--group-add keep-groups/u);
});

test('explainForbidden() says to write the udev rule on the host of a container', () => {
  const container = { engine: 'docker', evidence: '/.dockerenv' };
  assert.match(explain(ROOTS_OWN, { container }).remedy, /^on the host.*SUBSYSTEM=="dma_heap".*MODE="0660"$/u);
});

test('explainForbidden() does not blame permissions that allow access', () => {
  const identity = { ...ALICE, overridesPermissions: true };
  const { reason, remedy } = explain(ROOTS_OWN, { identity });
  assert.match(reason, /although its permissions would do/u);
  assert.doesNotMatch(remedy, /usermod|udev/u);
});
