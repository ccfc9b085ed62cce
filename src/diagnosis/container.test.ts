import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { describePassingIn, detectContainer } from './container.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

test('detectContainer() finds none on a machine of its own', (t) => {
  assert.equal(detectContainer(otherMachine({ root: temporaryTree(t, {}) })), undefined);
  const service = { 'proc/self/cgroup': '0::/system.slice/docker.service\n' };
  assert.equal(detectContainer(otherMachine({ root: temporaryTree(t, service) })), undefined);
});

test('detectContainer() knows engines by the files that they leave', (t) => {
  const seen = [
    { '.dockerenv': '' },
    { 'run/.containerenv': 'engine="podman-4.3.1"\n' },
    { 'run/systemd/container': 'systemd-nspawn\n' },
  ].map((files) => detectContainer(otherMachine({ root: temporaryTree(t, files) })));
  assert.deepEqual(seen, [
    { engine: 'docker', evidence: '/.dockerenv' },
    { engine: 'podman', evidence: '/run/.containerenv' },
    { engine: 'systemd-nspawn', evidence: '/run/systemd/container' },
  ]);
});

test('detectContainer() knows engines by the control group where they leave no file', (t) => {
  const engineIn = (group: string): string | undefined =>
    detectContainer(otherMachine({ root: temporaryTree(t, { 'proc/self/cgroup': `12:memory:${group}\n` }) }))?.engine;
  assert.equal(engineIn('/docker/4f1c'), 'docker');
  assert.equal(engineIn('/system.slice/docker-4f1c.scope'), 'docker');
  assert.equal(engineIn('/machine.slice/libpod-4f1c.scope'), 'podman');
  assert.equal(engineIn('/lxc.payload.web/init.scope'), 'lxc');
  assert.equal(engineIn('/user.slice/user-1000.slice'), undefined);
});

test('detectContainer() says kubernetes for a pod, with any engine', (t) => {
  const files = { '.dockerenv': '', 'proc/self/cgroup': '0::/kubepods/besteffort/pod1/4f1c\n' };
  assert.equal(detectContainer(otherMachine({ root: temporaryTree(t, files) }))?.engine, 'kubernetes');
});

test('describePassingIn() names the flag of the engine', () => {
  const inside = (engine: string): string => describePassingIn({ engine, evidence: '/' }, '/dev/udmabuf');
  assert.match(inside('docker'), /: --device \/dev\/udmabuf$/u);
  assert.match(inside('podman'), /: --device \/dev\/udmabuf$/u);
  assert.match(inside('lxc'), /device add CONTAINER udmabuf unix-char path=\/dev\/udmabuf$/u);
  assert.match(inside('systemd-nspawn'), /--bind=\/dev\/udmabuf --property=DeviceAllow="\/dev\/udmabuf rw"$/u);
  assert.match(inside('kubernetes'), /device plugin/u);
  assert.match(inside('other'), /\/dev\/udmabuf/u);
});
