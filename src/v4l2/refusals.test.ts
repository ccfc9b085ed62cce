import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import type { DmaBufErrorCode } from '../base/errors.ts';
import { Machine } from '../linux/machine.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { refusedByDevice } from './refusals.ts';

const PATH = '/dev/video7';

/** What is said of a refusal by a machine with these files; null where no reason is given. */
function reasonFor(machine: Machine, code: DmaBufErrorCode, syscall = 'VIDIOC_STREAMON'): string | null {
  const error = refusedByDevice(machine, { action: `stream ${PATH}`, path: PATH }, { code, syscall });
  assert.deepEqual([error.code, error.syscall, error.values['path']], [code, syscall, PATH]);
  const end = ` (${syscall} failed with ${code})`;
  assert.ok(error.message.startsWith(`Cannot stream ${PATH}`) && error.message.endsWith(end), error.message);
  const reason = error.message.slice(`Cannot stream ${PATH}`.length, -end.length);
  return reason === '' ? null : reason.replace(/^ as /u, '');
}

/** A machine with processes that have files open, as proc(5) has them. */
function machineWith(t: TestContext, processes: Readonly<Record<string, { comm: string; files: string[] }>>): Machine {
  const names = Object.entries(processes).map(([pid, { comm }]) => [`proc/${pid}/comm`, `${comm}\n`]);
  const root = temporaryTree(t, Object.fromEntries(names) as Record<string, string>);
  for (const [pid, { files }] of Object.entries(processes)) {
    const folder = join(root, 'proc', pid, 'fd');
    mkdirSync(folder);
    for (const [fd, file] of files.entries()) symlinkSync(file, join(folder, `${fd}`));
  }
  return new Machine({ root });
}

test('refusedByDevice() of EPIPE or ENOLINK at VIDIOC_STREAMON names the media controller, and who sets it up', () => {
  for (const code of ['EPIPE', 'ENOLINK'] as const)
    assert.equal(
      reasonFor(new Machine(), code),
      'its pipeline is not set up: the media controller connects sensor and receiver, and their formats must agree; set it up by media-ctl (v4l-utils), or use libcamera',
    );
  assert.equal(reasonFor(new Machine(), 'EPIPE', 'VIDIOC_S_FMT'), null);
});

test('refusedByDevice() of ENOSPC at VIDIOC_STREAMON names USB bandwidth, and what helps', () => {
  assert.equal(
    reasonFor(new Machine(), 'ENOSPC'),
    'the USB bus has no bandwidth left for it: take a smaller size, a lower rate or a compressed format, or plug it into a port of another controller',
  );
  // Of controls it means that a value has no room.
  assert.equal(reasonFor(new Machine(), 'ENOSPC', 'VIDIOC_S_EXT_CTRLS'), null);
});

test('refusedByDevice() of EBUSY names the processes that have the device open, and no other', (t) => {
  const machine = machineWith(t, {
    '12': { comm: 'ffmpeg', files: ['/dev/null', PATH] },
    '345': { comm: 'other', files: ['/dev/video70', '/dev/null'] },
  });
  assert.equal(reasonFor(machine, 'EBUSY', 'VIDIOC_S_FMT'), '"ffmpeg" (PID 12) has it open');
  const two = machineWith(t, {
    '12': { comm: 'ffmpeg', files: [PATH, PATH] },
    '345': { comm: 'evil"\u001B[2J', files: [PATH] },
    [`${process.pid}`]: { comm: 'node', files: [PATH] },
  });
  assert.equal(
    reasonFor(two, 'EBUSY', 'VIDIOC_REQBUFS'),
    String.raw`"ffmpeg" (PID 12), "evil\"\u{1b}[2J" (PID 345) have it open`,
  );
});

test('refusedByDevice() of EBUSY without a process in sight says whose it may be', (t) => {
  assert.equal(
    reasonFor(machineWith(t, {}), 'EBUSY', 'VIDIOC_S_FMT'),
    'it is in use: by this process itself, or by a program that /proc does not show to this user',
  );
});
