import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { rawCallsWith } from '../../test/support/fakes/raw-calls.ts';
import { KernelVmapCalls } from '../linux/calls/kernel-vmap-calls.ts';
import { Machine } from '../linux/machine.ts';
import { openMeasureDevice } from './kernel-vmap-device.ts';

const [EPERM, ENOENT, EACCES, EMFILE] = [1, 2, 13, 24];

/** Calls on a machine whose device does not open. */
function callsRefusing(errno: number): KernelVmapCalls {
  return new KernelVmapCalls(rawCallsWith({ open: () => -errno }));
}

test('openMeasureDevice names the command that loads the module, where the machine has the file', (t) => {
  const root = temporaryTree(t, { 'lib/dmabuf/dmabuf_measure.ko': '' });
  assert.throws(() => openMeasureDevice(callsRefusing(ENOENT), new Machine({ root })), {
    code: 'ENODEV',
    message:
      'Cannot measure in the kernel as there is no /dev/dmabuf-measure, which the module dmabuf_measure makes: run: ' +
      'insmod /lib/dmabuf/dmabuf_measure.ko',
  });
});

test('openMeasureDevice names the command that boots a guest elsewhere', (t) => {
  const root = temporaryTree(t, { 'dev/null': '' });
  assert.throws(() => openMeasureDevice(callsRefusing(ENOENT), new Machine({ root })), {
    code: 'ENODEV',
    message: /run: npm run vm -- sh -c 'insmod \/lib\/dmabuf\/dmabuf_measure\.ko && dmabuf vmap .*'$/u,
  });
});

test('openMeasureDevice says who may use the device', () => {
  for (const [errno, code] of [
    [EACCES, 'EACCES'],
    [EPERM, 'EPERM'],
  ] as const) {
    assert.throws(() => openMeasureDevice(callsRefusing(errno)), {
      code,
      message: 'Cannot measure in the kernel as only root may use /dev/dmabuf-measure: run this as root',
    });
  }
});

test('openMeasureDevice passes other refusals on', () => {
  assert.throws(() => openMeasureDevice(callsRefusing(EMFILE)), { code: 'EMFILE', syscall: 'open' });
});
