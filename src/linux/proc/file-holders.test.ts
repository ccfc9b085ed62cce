import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { otherMachine } from '../../../test/support/fakes/other-machine.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { readDeviceBus } from './device-bus.ts';
import { findFileHolders } from './file-holders.ts';

test('findFileHolders finds the processes that have a file open, by their names', (t) => {
  const root = temporaryFolder(t);
  const processes = [
    ['1', 'systemd', ['/dev/null']],
    ['20', 'Xorg', ['/dev/null', '/dev/dri/card0', '/dev/dri/card0']],
    ['300', 'kwin_wayland', ['/dev/dri/card0']],
    ['301', 'player', ['/dev/dri/renderD128', '/dev/dri/card01']],
  ] as const;
  for (const [pid, name, links] of processes) {
    mkdirSync(join(root, 'proc', pid, 'fd'), { recursive: true });
    writeFileSync(join(root, 'proc', pid, 'comm'), `${name}\n`);
    for (const [fd, link] of links.entries()) symlinkSync(link, join(root, 'proc', pid, 'fd', `${fd}`));
  }
  // Of another user: its descriptors cannot be seen.
  mkdirSync(join(root, 'proc/400'));
  mkdirSync(join(root, 'proc/sys'));
  assert.deepEqual(findFileHolders('/dev/dri/card0', otherMachine({ root })), [
    { pid: 20, name: 'Xorg' },
    { pid: 300, name: 'kwin_wayland' },
  ]);
});

test('findFileHolders finds none without /proc', (t) => {
  assert.deepEqual(findFileHolders('/dev/dri/card0', otherMachine({ root: temporaryFolder(t) })), []);
});

test('readDeviceBus gives bus and name of a device; nothing where /sys does not tell', (t) => {
  const root = temporaryFolder(t);
  const machine = otherMachine({ root });
  mkdirSync(join(root, 'sys/devices/platform/gpu'), { recursive: true });
  mkdirSync(join(root, 'sys/class/drm/card0'), { recursive: true });
  symlinkSync('../../../devices/platform/gpu', join(root, 'sys/class/drm/card0/device'));
  assert.equal(readDeviceBus('/sys/class/drm/card0/device', machine), undefined);
  symlinkSync('../../../bus/platform', join(root, 'sys/devices/platform/gpu/subsystem'));
  assert.equal(readDeviceBus('/sys/class/drm/card0/device', machine), 'platform gpu');
});
