/** Conversions over a device that does what each test says. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import type { DmaBufErrorCode } from '../base/errors.ts';
import { FakeConverterDevice } from '../../test/support/fakes/converter-device.ts';
import { collectGarbageUntil } from '../../test/support/runner/collect-garbage.ts';
import { stateOf } from '../../test/support/runner/promise-state.ts';
import type { CameraFrame } from './camera-frame.ts';
import { watchUnclosed } from './watch-unclosed.ts';

function isRefusal(code: DmaBufErrorCode): (error: unknown) => boolean {
  return (error) => isDmaBufError(error, code);
}

test('ConverterStream gives each picture what was made of it, in whatever order that comes', async () => {
  const device = new FakeConverterDevice({ inputs: 3, outputs: 3 });
  const made = [0, 1, 2].map((index) => device.convert({ index, timestampNs: BigInt(index + 1) * 5000n }));
  device.finishInput(0);
  device.finishInput(1);
  device.finishInput(2);
  device.finishOutput({ index: 2, timestampUs: 10 });
  device.finishOutput({ index: 0, timestampUs: 15 });
  device.finishOutput({ index: 1, timestampUs: 5 });
  const frames = await Promise.all(made);
  assert.deepEqual(
    frames.map(({ index, timestampNs, timestampClock }) => [index, timestampNs, timestampClock]),
    [
      [1, 5000n, 'copy'],
      [2, 10_000n, 'copy'],
      [0, 15_000n, 'copy'],
    ],
  );
  assert.equal(device.stream.inFlightCount, 0);
  assert.equal(device.watched, false);
});

test('ConverterStream gives the first picture what comes first, of a driver that copies no timestamps', async () => {
  const device = new FakeConverterDevice({ inputs: 2, outputs: 2, copiesTimestamps: false });
  const made = [1, 0].map((index) => device.convert({ index }));
  device.finishOutput({ index: 1, timestampUs: 77 });
  device.finishOutput({ index: 0, timestampUs: 78 });
  device.finishInput(0);
  device.finishInput(1);
  assert.deepEqual(
    (await Promise.all(made)).map(({ index }) => index),
    [1, 0],
  );
});

test('ConverterStream resolves no earlier than the device has done with the picture’s own buffer', async () => {
  const device = new FakeConverterDevice({ inputs: 1, outputs: 1 });
  const made = device.convert({ index: 0, timestampNs: 3000n });
  device.finishOutput({ index: 0, timestampUs: 3 });
  assert.equal(await stateOf(made), 'pending');
  device.finishInput(0);
  assert.equal((await made).index, 0);
});

test('ConverterStream stamps pictures by itself, each otherwise, past those that were given', async () => {
  const device = new FakeConverterDevice({ inputs: 3, outputs: 1 });
  const made = [
    device.convert({ index: 0, timestampNs: 2000n }),
    device.convert({ index: 1 }),
    device.convert({ index: 2 }),
  ];
  assert.deepEqual(device.stamps, [2000n, 1000n, 3000n]);
  device.stream.stop();
  await Promise.allSettled(made);
});

test('ConverterStream refuses a timestamp that another picture has which the device has, in whole µs', async () => {
  const device = new FakeConverterDevice({ inputs: 2, outputs: 1 });
  const made = device.convert({ index: 0, timestampNs: 7999n });
  assert.throws(() => device.convert({ index: 1, timestampNs: 7000n }), isRefusal('EEXIST'));
  assert.deepEqual(device.stamps, [7000n]);
  device.finish({ index: 0, timestampUs: 7 });
  (await made).close();
  device.convert({ index: 1, timestampNs: 7000n }).catch(() => {});
  assert.deepEqual(device.stamps, [7000n, 7000n]);
  device.stream.stop();
});

test('ConverterStream queues what it has made again once that is closed', async () => {
  const device = new FakeConverterDevice({ inputs: 1, outputs: 1 });
  const made = device.convert({ index: 0, timestampNs: 1000n });
  device.finish({ index: 0, timestampUs: 1 });
  const frame = await made;
  assert.equal(device.output.isQueued(0), false);
  frame.close();
  frame.close();
  assert.equal(device.output.isQueued(0), true);
});

test('ConverterStream gives up waiting at an abort: what is made later is queued again', async () => {
  const device = new FakeConverterDevice({ inputs: 1, outputs: 1 });
  const abort = new AbortController();
  const made = device.convert({ index: 0, timestampNs: 1000n, signal: abort.signal });
  abort.abort(new Error('no longer'));
  await assert.rejects(made, /no longer/u);
  assert.equal(device.watched, true);
  assert.equal(device.input.isQueued(0), true);
  device.finish({ index: 0, timestampUs: 1 });
  assert.equal(device.output.isQueued(0), true);
  assert.equal(device.watched, false);
  assert.throws(() => device.convert({ index: 0, signal: abort.signal }), /no longer/u);
  assert.equal(device.input.isQueued(0), false);
});

test('ConverterStream queues again what nobody has asked for, such as a second picture of one', async () => {
  const device = new FakeConverterDevice({ inputs: 2, outputs: 2 });
  const [one, other] = [
    device.convert({ index: 0, timestampNs: 1000n }),
    device.convert({ index: 1, timestampNs: 2000n }),
  ];
  device.finish({ index: 0, timestampUs: 1 });
  device.finishOutput({ index: 1, timestampUs: 1 });
  assert.equal(device.output.isQueued(1), true);
  device.finishInput(1);
  device.finishOutput({ index: 1, timestampUs: 2 });
  assert.deepEqual([(await one).timestampNs, (await other).timestampNs], [1000n, 2000n]);
});

test('ConverterStream resolves with what the device could not make well, and says so', async () => {
  const device = new FakeConverterDevice({ inputs: 1, outputs: 1 });
  const made = device.convert({ index: 0, timestampNs: 1000n });
  device.finishInput(0);
  device.finishOutput({ index: 0, timestampUs: 1, damaged: true });
  assert.equal((await made).damaged, true);
});

test('ConverterStream rejects a picture that the device could not read and made nothing of, and goes on', async () => {
  const device = new FakeConverterDevice({ inputs: 2, outputs: 1 });
  const [damaged, other] = [
    device.convert({ index: 0, timestampNs: 1000n }),
    device.convert({ index: 1, timestampNs: 2000n }),
  ];
  device.finishInput(0, { damaged: true });
  await assert.rejects(damaged, isRefusal('EIO'));
  assert.equal(device.input.isQueued(0), false);
  device.finishInput(1);
  device.finishOutput({ index: 0, timestampUs: 2 });
  assert.equal((await other).timestampNs, 2000n);
  device.stream.check();
  assert.deepEqual([device.stream.inFlightCount, device.watched], [0, false]);
});

test('ConverterStream gives what was made of a picture that the device could hardly read', async () => {
  const device = new FakeConverterDevice({ inputs: 1, outputs: 1 });
  const made = device.convert({ index: 0, timestampNs: 1000n });
  device.finishInput(0, { damaged: true });
  device.finishOutput({ index: 0, timestampUs: 1, damaged: true });
  assert.equal((await made).damaged, true);
});

test('ConverterStream that is stopped waits for nothing of a picture that the device could not read', async () => {
  const device = new FakeConverterDevice({ inputs: 1, outputs: 1 });
  const made = device.convert({ index: 0, timestampNs: 1000n });
  device.finishInput(0, { damaged: true });
  device.stream.stop();
  await assert.rejects(made, isRefusal('ERR_DMABUF_CLOSED'));
});

test('ConverterStream ends with all that is under way when the driver fails, and stays so', async () => {
  const failures: Record<string, { fail: (device: FakeConverterDevice) => void; code: DmaBufErrorCode }> = {
    'a device that is gone': { fail: (device) => device.failDequeueing('ENODEV'), code: 'ENODEV' },
    'a device that polls as failed': { fail: (device) => device.pollAsFailed(), code: 'EIO' },
    'a stream that ends': { fail: (device) => device.endOutput(), code: 'EPIPE' },
  };
  for (const [name, { fail, code }] of Object.entries(failures)) {
    const device = new FakeConverterDevice({ inputs: 2, outputs: 1 });
    const made = [device.convert({ index: 0 }), device.convert({ index: 1 })];
    fail(device);
    for (const each of made) await assert.rejects(each, isRefusal(code), name);
    assert.equal(device.watched, false, name);
    assert.throws(() => device.convert({ index: 0 }), isRefusal(code), name);
    assert.throws(() => device.stream.check(), isRefusal(code), name);
    device.stream.stop();
  }
});

test('ConverterStream.stop() rejects what is under way, and closes what it has made', async () => {
  const device = new FakeConverterDevice({ inputs: 2, outputs: 2 });
  const done = device.convert({ index: 0, timestampNs: 1000n });
  device.finish({ index: 0, timestampUs: 1 });
  const frame = await done;
  const made = device.convert({ index: 1, timestampNs: 2000n });
  device.stream.stop();
  await assert.rejects(made, isRefusal('ERR_DMABUF_CLOSED'));
  assert.equal(frame.closed, true);
  assert.deepEqual([device.input.streaming, device.output.streaming], [false, false]);
  assert.deepEqual([device.output.isQueued(0), device.output.isQueued(1)], [false, false]);
  assert.equal(device.watched, false);
  device.stream.stop();
});

test('ConverterStream leaves nothing under way when the driver refuses to stream, or a picture', async () => {
  for (const refusing of ['start of input', 'start of output', 'queue of input'] as const) {
    const device = new FakeConverterDevice({ inputs: 1, outputs: 1 });
    device.refusing = refusing;
    assert.throws(() => device.convert({ index: 0, timestampNs: 1000n }), isRefusal('ENOMEM'), refusing);
    assert.equal(device.stream.inFlightCount, 0, refusing);
    assert.equal(device.watched, false, refusing);
    device.refusing = undefined;
    const made = device.convert({ index: 0, timestampNs: 1000n });
    device.finish({ index: 0, timestampUs: 1 });
    assert.equal((await made).timestampNs, 1000n, refusing);
  }
});

test('ConverterStream wakes who waits for an input when one is free, and when there will be none', async () => {
  const device = new FakeConverterDevice({ inputs: 1, outputs: 1 });
  const made = device.convert({ index: 0 });
  const free = device.stream.changes.next();
  device.finishInput(0);
  await free;
  const none = device.stream.changes.next();
  device.stream.stop();
  await none;
  await assert.rejects(made, isRefusal('ERR_DMABUF_CLOSED'));
});

/** Nothing of the device is left but what it has made. */
async function convertAndForget(close: () => void): Promise<void> {
  const device = new FakeConverterDevice({
    inputs: 1,
    outputs: 1,
    collection: watchUnclosed({ close }, 'converter /dev/video9'),
  });
  const made = device.convert({ index: 0, timestampNs: 1000n });
  device.finish({ index: 0, timestampUs: 1 });
  keptFrames.push(await made);
}

const keptFrames: CameraFrame[] = [];

test('ConverterStream is closed once it was collected, with a warning, and not while a frame of it is held', async () => {
  const warned = once(process, 'warning');
  let closedCount = 0;
  const collected = (): void => void (closedCount += 1);
  await convertAndForget(collected);
  assert.equal(await collectGarbageUntil(() => closedCount > 0, 10), false);
  assert.equal(keptFrames.pop()?.closed, false);
  assert.equal(await collectGarbageUntil(() => closedCount > 0), true);
  const [warning] = (await warned) as [NodeJS.ErrnoException];
  assert.equal(warning.code, 'DMABUF_UNCLOSED');
  assert.equal(warning.message, 'the converter /dev/video9 was collected without having been closed');
});
