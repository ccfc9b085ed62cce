/** A model fuzz: conversions against a naive twin, and over faulty devices, which it must find. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { SeededRandom } from '../base/seeded-random.ts';
import { FakeConverterDevice } from '../../test/support/fakes/converter-device.ts';
import type { CameraFrame } from './camera-frame.ts';

const SEEDS = Number(process.env['DMABUF_FUZZ_SEEDS'] ?? '100');
const STEPS = 60;

/** A picture, as the twin has it. */
interface Picture {
  readonly input: number;
  readonly stampNs: bigint;
  readonly abort: AbortController;
  read: boolean;
  /** Which output it was made in. */
  output: number | undefined;
  aborted: boolean;
  result: CameraFrame | 'aborted' | undefined;
}

function isDone({ read, output }: Picture): boolean {
  return read && output !== undefined;
}

type MakeDevice = (counts: { inputs: number; outputs: number }) => FakeConverterDevice;

/** A device and its user that do as chance has it. Throws where a rule is broken. */
async function run(seed: number, make: MakeDevice): Promise<void> {
  const random = new SeededRandom(seed);
  const pick = <Value>(values: readonly Value[]): Value | undefined =>
    values.length === 0 ? undefined : values[random.below(values.length)];
  const indexes = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const [inputs, outputs] = [1 + random.below(4), 1 + random.below(4)];
  const device = make({ inputs, outputs });
  let underWay: Picture[] = [];
  const open: Picture[] = [];

  const convert = (): void => {
    const input = pick(indexes(inputs).filter((index) => !underWay.some((each) => each.input === index && !each.read)));
    if (input === undefined) return;
    const wanted = random.below(2) === 0 ? undefined : BigInt(random.below(8)) * 1000n;
    const abort = new AbortController();
    const begin = (): Promise<CameraFrame> =>
      device.convert({ index: input, timestampNs: wanted, signal: abort.signal });
    if (underWay.some(({ stampNs }) => stampNs === wanted)) {
      assert.throws(begin, { code: 'EEXIST' });
      return;
    }
    const promise = begin();
    const stampNs = device.stamps.at(-1) as bigint;
    assert.ok(!underWay.some((each) => each.stampNs === stampNs), 'no two under way have the same stamp');
    const picture: Picture = {
      input,
      stampNs,
      abort,
      read: false,
      output: undefined,
      aborted: false,
      result: undefined,
    };
    underWay.push(picture);
    promise.then(
      (frame) => (picture.result = frame),
      () => (picture.result = 'aborted'),
    );
  };
  const finishInput = (): void => {
    const picture = pick(underWay.filter(({ read }) => !read));
    if (picture === undefined) return;
    picture.read = true;
    device.finishInput(picture.input);
  };
  const finishOutput = (): void => {
    const picture = pick(underWay.filter(({ output }) => output === undefined));
    const output = pick(indexes(outputs).filter((index) => device.output.isQueued(index)));
    if (picture === undefined || output === undefined) return;
    picture.output = output;
    device.finishOutput({ index: output, timestampUs: Number(picture.stampNs / 1000n) });
  };
  const abortOne = (): void => {
    const picture = pick(underWay.filter(({ aborted }) => !aborted));
    if (picture === undefined) return;
    picture.aborted = true;
    picture.abort.abort(new Error('no longer'));
  };
  const closeOne = (): void => {
    const picture = pick(open);
    if (picture === undefined) return;
    open.splice(open.indexOf(picture), 1);
    (picture.result as CameraFrame).close();
  };

  for (let step = 0; step < STEPS; step += 1) {
    pick([convert, convert, finishInput, finishOutput, closeOne, abortOne])?.();
    await setImmediate();
    for (const picture of underWay) {
      if (picture.aborted) assert.equal(picture.result, 'aborted');
      else if (isDone(picture)) {
        const { result } = picture;
        assert.ok(typeof result === 'object', 'what is done resolves');
        assert.deepEqual([result.index, result.timestampNs], [picture.output, picture.stampNs]);
        open.push(picture);
      } else assert.equal(picture.result, undefined, 'what is not done waits');
    }
    underWay = underWay.filter((picture) => !isDone(picture));
    const held = new Set([...underWay, ...open].map(({ output }) => output));
    assert.equal(device.stream.inFlightCount, underWay.length);
    assert.equal(device.watched, underWay.length > 0, 'it is watched while it has pictures');
    for (const index of indexes(outputs)) assert.equal(device.output.isQueued(index), !held.has(index));
  }
  device.stream.stop();
  await setImmediate();
  for (const { result } of underWay) assert.equal(result, 'aborted');
  for (const { result } of open) assert.equal((result as CameraFrame).closed, true);
}

test(`ConverterStream does as its twin, in ${SEEDS} random histories`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) await run(seed, (counts) => new FakeConverterDevice(counts));
});

function withOutput(
  device: FakeConverterDevice,
  broken: (queue: (index: number) => void) => (index: number) => void,
): FakeConverterDevice {
  const { output } = device;
  output.queue = broken(output.queue.bind(output));
  return device;
}

/** What each does that none may. */
const FAULTS: Readonly<Record<string, MakeDevice>> = {
  'does not match by timestamps': (counts) => new FakeConverterDevice({ ...counts, copiesTimestamps: false }),
  'does not queue again what was closed': (counts) => withOutput(new FakeConverterDevice(counts), () => () => {}),
  'fails at the third frame that is closed': (counts) => {
    let left = 3;
    return withOutput(new FakeConverterDevice(counts), (queue) => (index) => {
      left -= 1;
      if (left === 0) throw new Error('it failed');
      queue(index);
    });
  },
};

for (const [name, make] of Object.entries(FAULTS)) {
  test(`the fuzz of ConverterStream finds one that ${name}`, async () => {
    await assert.rejects(async () => {
      for (let seed = 1; seed <= SEEDS; seed += 1) await run(seed, make);
    });
  });
}
