/**
 * IGT's tests/dmabuf_sync_file.c in this API, and sync files themselves: over the fences of a
 * device, signaled by the test.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { SyncFile, isDmaBufError } from '../../src/index.ts';
import type { AccessMode, DmaBuf } from '../../src/index.ts';
import { FENCED_SUBJECTS, openVgemBuffer } from '../support/devices/fenced-buffers.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import { missingVgem } from '../support/devices/vgem.ts';

checkLeaksAfterFile();

const withoutVgem = missingVgem();
const MODES: readonly AccessMode[] = ['read', 'write', 'readwrite'];
const NONE = { read: false, write: false, readwrite: false };
const WRITERS_WAIT = { read: false, write: true, readwrite: true };
const ALL_WAIT = { read: true, write: true, readwrite: true };

type Busy = Readonly<Record<AccessMode, boolean>>;

/** What poll says: which accesses are refused at once. */
function refusedAccesses(buffer: DmaBuf): Busy {
  return Object.fromEntries(MODES.map((mode) => [mode, isRefused(buffer, mode)])) as Busy;
}

function isRefused(buffer: DmaBuf, mode: AccessMode): boolean {
  try {
    buffer.accessSync(mode, () => {});
    return false;
  } catch (error) {
    assert.ok(isDmaBufError(error, 'EAGAIN'), String(error));
    return true;
  }
}

function exportAll(t: TestContext, buffer: DmaBuf): Record<AccessMode, SyncFile> {
  const files = MODES.map((mode) => [mode, exportSyncFile(t, buffer, mode)]);
  return Object.fromEntries(files) as Record<AccessMode, SyncFile>;
}

function exportSyncFile(t: TestContext, buffer: DmaBuf, mode: AccessMode): SyncFile {
  const file = buffer.exportSyncFile(mode);
  t.after(() => file.close());
  return file;
}

function pendingFiles(files: Record<AccessMode, SyncFile>): Busy {
  return Object.fromEntries(MODES.map((mode) => [mode, !files[mode].signaled])) as Busy;
}

/** The accesses that wait, and the sync files exported now that do: the same. */
function assertBusy(t: TestContext, buffer: DmaBuf, expected: Busy): void {
  assert.deepEqual(refusedAccesses(buffer), expected, 'accesses');
  assert.deepEqual(pendingFiles(exportAll(t, buffer)), expected, 'sync files');
}

for (const { name, skip, open } of FENCED_SUBJECTS) {
  test(`exportSyncFile() of ${name} is pending for what waits, as accesses are (export-basic)`, { skip }, (t) => {
    const { vgem, handle, buffer } = open(t);
    assertBusy(t, buffer, NONE);
    const reading = vgem.attachFence(handle, 'read');
    assertBusy(t, buffer, WRITERS_WAIT);
    vgem.signal(reading);
    assertBusy(t, buffer, NONE);
    const writing = vgem.attachFence(handle, 'write');
    assertBusy(t, buffer, ALL_WAIT);
    vgem.signal(writing);
    assertBusy(t, buffer, NONE);
  });

  test(`exportSyncFile() of ${name} before the fence is signaled (export-before-signal)`, { skip }, (t) => {
    const { vgem, handle, buffer } = open(t);
    const reading = vgem.attachFence(handle, 'read');
    const whileReading = exportAll(t, buffer);
    assert.deepEqual(pendingFiles(whileReading), WRITERS_WAIT);
    vgem.signal(reading);
    assert.deepEqual(pendingFiles(whileReading), NONE);
    const writing = vgem.attachFence(handle, 'write');
    const whileWriting = exportAll(t, buffer);
    assert.deepEqual(pendingFiles(whileWriting), ALL_WAIT);
    vgem.signal(writing);
    assert.deepEqual(pendingFiles(whileWriting), NONE);
  });

  test(
    `exportSyncFile() of ${name} has the fences of that moment and no later ones (export-multiwait)`,
    { skip },
    (t) => {
      const { vgem, handle, buffer } = open(t);
      const [first, second] = [vgem.attachFence(handle, 'read'), vgem.attachFence(handle, 'read')];
      const file = exportSyncFile(t, buffer, 'write');
      const third = vgem.attachFence(handle, 'read');
      assert.equal(file.info().fences.length, 2);
      vgem.signal(first);
      assert.equal(file.signaled, false);
      vgem.signal(second);
      assert.equal(file.signaled, true);
      assert.equal(isRefused(buffer, 'write'), true);
      vgem.signal(third);
      assert.equal(isRefused(buffer, 'write'), false);
    },
  );

  test(`exportSyncFile() of ${name} before a fence comes stays signaled (export-wait-after-attach)`, { skip }, (t) => {
    const { vgem, handle, buffer } = open(t);
    const before = exportAll(t, buffer);
    const writing = vgem.attachFence(handle, 'write');
    const during = exportAll(t, buffer);
    assert.deepEqual([pendingFiles(before), pendingFiles(during)], [NONE, ALL_WAIT]);
    vgem.signal(writing);
    const next = vgem.attachFence(handle, 'write');
    assert.deepEqual([pendingFiles(before), pendingFiles(during)], [NONE, NONE]);
    assertBusy(t, buffer, ALL_WAIT);
    vgem.signal(next);
  });

  test(`importSyncFile() of ${name} makes writers or all wait, as its mode says`, { skip }, (t) => {
    const { buffer } = open(t);
    const { vgem, handle, buffer: source } = openVgemBuffer(t);
    for (const [mode, expected] of [
      ['read', WRITERS_WAIT],
      ['write', ALL_WAIT],
      ['readwrite', ALL_WAIT],
    ] as const) {
      const fence = vgem.attachFence(handle, 'write');
      buffer.importSyncFile(exportSyncFile(t, source, 'readwrite'), mode);
      assertBusy(t, buffer, expected);
      vgem.signal(fence);
      assertBusy(t, buffer, NONE);
    }
  });
}

test(
  'SyncFile.info() tells of each fence who works, whether it is done, and when it was',
  { skip: withoutVgem },
  (t) => {
    const { vgem, handle, buffer } = openVgemBuffer(t);
    const fence = vgem.attachFence(handle, 'write');
    const file = exportSyncFile(t, buffer, 'read');
    const pending = file.info();
    assert.match(pending.name, /^vgem-unbound\d+-\d+$/u);
    assert.deepEqual(pending.fences, [{ timelineName: 'unbound', driverName: 'vgem', status: 0, timestampNs: 0n }]);
    assert.equal(pending.status, 0);
    const before = process.hrtime.bigint();
    vgem.signal(fence);
    const after = process.hrtime.bigint();
    const done = file.info();
    assert.deepEqual([done.status, done.fences[0]?.status], [1, 1]);
    const timestampNs = done.fences[0]?.timestampNs ?? 0n;
    assert.ok(before <= timestampNs && timestampNs <= after, `${before} ${timestampNs} ${after}`);
    const [idle] = [exportSyncFile(t, buffer, 'read').info()];
    assert.equal(idle.status, 1);
  },
);

test('SyncFile.merge() is signaled when both are, and has the name it is given', { skip: withoutVgem }, (t) => {
  const [first, second] = [openVgemBuffer(t), openVgemBuffer(t)];
  const fences = [first, second].map(({ vgem, handle }) => vgem.attachFence(handle, 'write'));
  const files = [first, second].map(({ buffer }) => exportSyncFile(t, buffer, 'read'));
  const [one, other] = files as [SyncFile, SyncFile];
  const name = '31 bytes of a name, and no more.'.slice(0, 31);
  const merged = one.merge(other, name);
  t.after(() => merged.close());
  assert.deepEqual([merged.info().name, merged.info().fences.length, merged.signaled], [name, 2, false]);
  first.vgem.signal(fences[0] ?? 0);
  assert.deepEqual([one.signaled, other.signaled, merged.signaled], [true, false, false]);
  second.vgem.signal(fences[1] ?? 0);
  assert.deepEqual([one.signaled, other.signaled, merged.signaled], [true, true, true]);
});

test('SyncFile.merge() of a sync file with itself, and with a closed one', { skip: withoutVgem }, (t) => {
  const { vgem, handle, buffer } = openVgemBuffer(t);
  const fence = vgem.attachFence(handle, 'write');
  const file = exportSyncFile(t, buffer, 'read');
  const merged = file.merge(file);
  t.after(() => merged.close());
  assert.equal(merged.info().fences.length, 1);
  vgem.signal(fence);
  const closed = buffer.exportSyncFile('read');
  closed.close();
  for (const use of [() => file.merge(closed), () => closed.merge(file), () => closed.info(), () => closed.exportFd()])
    assert.throws(use, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
});

test(
  'SyncFile.wait() resolves for all who wait, also after it was closed, and is given up by its signal',
  { skip: withoutVgem },
  async (t) => {
    const { vgem, handle, buffer } = openVgemBuffer(t);
    const fence = vgem.attachFence(handle, 'write');
    const file = buffer.exportSyncFile('read');
    const controller = new AbortController();
    const givenUp = file.wait({ signal: controller.signal });
    const waits = [file.wait(), file.wait()];
    controller.abort(new Error('enough'));
    await assert.rejects(givenUp, /^Error: enough$/u);
    file.close();
    assert.equal(await stateOf(Promise.race(waits)), 'pending');
    vgem.signal(fence);
    await Promise.all(waits);
  },
);

test('SyncFile.fromFd() takes a descriptor over, which waits for the same fence', { skip: withoutVgem }, async (t) => {
  const { vgem, handle, buffer } = openVgemBuffer(t);
  const fence = vgem.attachFence(handle, 'write');
  const file = buffer.exportSyncFile('read');
  const taken = SyncFile.fromFd(file.exportFd());
  t.after(() => taken.close());
  file.close();
  const wait = taken.wait();
  assert.equal(await stateOf(wait), 'pending');
  vgem.signal(fence);
  await wait;
  const fd = buffer.exportFd();
  assert.throws(
    () => SyncFile.fromFd(fd),
    (error) => isDmaBufError(error, 'EINVAL'),
  );
  fd.close();
});

test(
  'importSyncFile() and exportSyncFile() refuse wrong modes, and importSyncFile() values that are not sync files',
  { skip: withoutVgem },
  (t) => {
    const { buffer } = openVgemBuffer(t);
    const file = exportSyncFile(t, buffer, 'read');
    assert.throws(() => buffer.exportSyncFile('both' as AccessMode), TypeError);
    assert.throws(() => buffer.importSyncFile(file, 'both' as AccessMode), TypeError);
    assert.throws(() => buffer.importSyncFile(3 as unknown as SyncFile, 'read'), TypeError);
  },
);
