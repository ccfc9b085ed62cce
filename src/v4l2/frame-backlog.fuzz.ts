/** A model fuzz: backlogs against a naive twin, and with planted faults, which it must find. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SeededRandom } from '../base/seeded-random.ts';
import { FrameBacklog } from './frame-backlog.ts';

const SEEDS = Number(process.env['DMABUF_FUZZ_SEEDS'] ?? '200');
const STEPS = 200;

/** Where each buffer is. */
type Place = 'driver' | 'waiting' | 'reader';

/** What is tested: the class, or one that is broken. */
type Backlog = Pick<FrameBacklog<number>, 'add' | 'take' | 'clear' | 'length' | 'droppedCount'>;
type MakeBacklog = (countMax: number, partners: ConstructorParameters<typeof FrameBacklog<number>>[1]) => Backlog;

/** A driver, a backlog and a reader that do as chance has it. Throws where a rule is broken. */
function run(seed: number, make: MakeBacklog): void {
  const random = new SeededRandom(seed);
  const pick = (count: number): number => random.below(count);
  const bufferCount = 1 + pick(6);
  const countMax = 1 + pick(6);
  const places: Place[] = Array.from({ length: bufferCount }, () => 'driver');
  const inDriver = (): number => places.filter((place) => place === 'driver').length;
  const arrived: number[] = [];
  let dropped = 0;
  const backlog = make(countMax, {
    queuedCount: inDriver,
    drop: (index) => {
      assert.equal(index, arrived.shift(), 'the oldest is dropped');
      assert.ok(inDriver() < 2 || arrived.length + 1 > countMax, 'none is dropped without need');
      places[index] = 'driver';
      dropped += 1;
    },
  });
  for (let step = 0; step < STEPS; step += 1) {
    const filled = places.flatMap((place, index) => (place === 'driver' ? [index] : []));
    const action = pick(3);
    if (action === 0 && filled.length > 0) {
      const index = filled[pick(filled.length)] as number;
      places[index] = 'waiting';
      arrived.push(index);
      backlog.add(index);
      assert.equal(places[index], 'waiting', 'the newest stays');
      assert.ok(arrived.length <= countMax, 'no more wait than may');
      assert.ok(arrived.length <= 1 || inDriver() >= 2, 'a driver is not starved while frames wait');
    } else if (action === 1) {
      const index = backlog.take();
      assert.equal(index, arrived.shift(), 'the oldest is read first');
      if (index !== undefined) places[index] = 'reader';
    } else {
      const read = places.indexOf('reader');
      if (read !== -1) places[read] = 'driver';
    }
    assert.deepEqual([backlog.length, backlog.droppedCount], [arrived.length, dropped]);
  }
  assert.deepEqual(backlog.clear(), arrived);
  assert.equal(backlog.length, 0);
}

test(`FrameBacklog does as its twin, in ${SEEDS} random histories`, () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) run(seed, (countMax, partners) => new FrameBacklog(countMax, partners));
});

/** Drops the newest, keeps too many, or starves the driver. */
const FAULTS: Readonly<Record<string, MakeBacklog>> = {
  'keeps one more than may wait': (countMax, partners) => new FrameBacklog(countMax + 1, partners),
  'starves the driver': (countMax, partners) => new FrameBacklog(countMax, { ...partners, queuedCount: () => 2 }),
  'drops without need': (countMax, partners) => new FrameBacklog(countMax, { ...partners, queuedCount: () => 0 }),
};

for (const [name, make] of Object.entries(FAULTS)) {
  test(`the fuzz of FrameBacklog finds one that ${name}`, () => {
    assert.throws(() => {
      for (let seed = 1; seed <= SEEDS; seed += 1) run(seed, make);
    });
  });
}
