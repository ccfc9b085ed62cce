import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DmaBufError } from '../base/errors.ts';
import type { DmaBufErrorCode } from '../base/errors.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { explainMissingTracefs, explainRefusedTracing } from './tracefs-refusal.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

const ROOT_STATUS = 'Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n';
const USER_STATUS = 'Uid:\t7\t7\t7\t7\nCapEff:\t0000000000000000\n';

function refusal(code: DmaBufErrorCode, syscall = 'open', path = '/sys/kernel/tracing/kprobe_events'): DmaBufError {
  return new DmaBufError('It was refused', { code, syscall, values: { path } });
}

test('explainMissingTracefs() names the mount command, for root and for others', (t) => {
  const files = { 'proc/filesystems': 'nodev\tsysfs\nnodev\ttracefs\n\text4\n' };
  const command = 'mount -t tracefs nodev /sys/kernel/tracing';
  assert.deepEqual(
    explainMissingTracefs(otherMachine({ root: temporaryTree(t, { ...files, 'proc/self/status': ROOT_STATUS }) })),
    {
      reason: 'tracefs is not mounted',
      remedy: `run: ${command}, then run this as root`,
    },
  );
  const user = explainMissingTracefs(
    otherMachine({ root: temporaryTree(t, { ...files, 'proc/self/status': USER_STATUS }) }),
  );
  assert.equal(user.remedy, `run: sudo ${command}, then run this as root`);
});

test('explainMissingTracefs() recognizes a kernel without tracefs', (t) => {
  const root = temporaryTree(t, { 'proc/filesystems': 'nodev\tsysfs\n', 'proc/self/status': ROOT_STATUS });
  assert.deepEqual(explainMissingTracefs(otherMachine({ root })), {
    reason: 'this kernel has no tracefs',
    remedy: 'boot a kernel built with CONFIG_FTRACE=y and CONFIG_KPROBE_EVENTS=y',
  });
});

test('explainRefusedTracing() tells missing rights from forbidden tracing', (t) => {
  const user = temporaryTree(t, { 'proc/self/status': USER_STATUS });
  assert.deepEqual(explainRefusedTracing(refusal('EACCES'), otherMachine({ root: user })), {
    reason: 'only root may use tracefs',
    remedy: 'run this as root',
  });
  const lockdown = { 'sys/kernel/security/lockdown': 'none integrity [confidentiality]\n' };
  const lockedDown = temporaryTree(t, { 'proc/self/status': ROOT_STATUS, ...lockdown });
  assert.match(
    explainRefusedTracing(refusal('EPERM'), otherMachine({ root: lockedDown })).remedy ?? '',
    /lockdown=confidentiality/u,
  );
  const container = temporaryTree(t, { 'proc/self/status': ROOT_STATUS });
  assert.match(explainRefusedTracing(refusal('EPERM'), otherMachine({ root: container })).reason, /container/u);
});

test('explainRefusedTracing() tells a kernel without probes from one without the function', () => {
  assert.deepEqual(explainRefusedTracing(refusal('ENOENT'), otherMachine({ root: '/' })), {
    reason: 'this kernel has no probes',
    remedy: 'boot a kernel built with CONFIG_KPROBE_EVENTS=y',
  });
  assert.deepEqual(explainRefusedTracing(refusal('ENOENT', 'write'), otherMachine({ root: '/' })), {
    reason: 'It was refused',
  });
  assert.match(explainRefusedTracing(refusal('EROFS', 'mkdir'), otherMachine({ root: '/' })).reason, /read-only/u);
});

test('explainRefusedTracing() does not blame tracefs for an error that is not about a file', () => {
  const error = new DmaBufError('mmap failed with EACCES', { code: 'EACCES', syscall: 'mmap' });
  assert.deepEqual(explainRefusedTracing(error, otherMachine({ root: '/' })), { reason: 'mmap failed with EACCES' });
});
