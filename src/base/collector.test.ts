import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';

import { Collector } from './collector.ts';
import type { CollectionWatch } from './collector.ts';
import { DmaBufError } from './errors.ts';

class Target {
  readonly large = new Uint8Array(1024);
  readonly watch: CollectionWatch;

  constructor(collector: Collector, remains: CountingRemains) {
    this.watch = collector.watch(remains);
  }
}

/** Counts the collections of its object. */
class CountingRemains {
  count = 0;

  collect(): void {
    this.count += 1;
  }
}

/** In a function of its own, so that no variable of the test's frame keeps the targets. */
function watchAndDrop(collector: Collector, count: number): CountingRemains {
  const remains = new CountingRemains();
  for (let index = 0; index < count; index += 1) void new Target(collector, remains);
  return remains;
}

function exhausted(code: 'ENOMEM' | 'EMFILE' | 'ENFILE'): DmaBufError {
  return new DmaBufError('used up', { code });
}

test('Collector.collect finds unreachable objects at once, without a turn of the event loop', () => {
  const collector = new Collector();
  const remains = watchAndDrop(collector, 50);
  collector.collect();
  assert.equal(remains.count, 50);
});

test('Collector.collect leaves every reachable object alone, however many there are', () => {
  const collector = new Collector();
  const remains = new CountingRemains();
  const kept = Array.from({ length: 10_000 }, () => new Target(collector, remains));
  const dropped = watchAndDrop(collector, 10);
  collector.collect();
  assert.deepEqual([remains.count, dropped.count], [0, 10]);
  assert.equal(kept.length, 10_000);
});

test('Collector.collect finds what was dropped in earlier microtasks', async () => {
  const collector = new Collector();
  const remains = new CountingRemains();
  for (let index = 0; index < 20; index += 1) {
    void new Target(collector, remains);
    await Promise.resolve();
  }
  collector.collect();
  assert.equal(remains.count, 20);
});

test('Collector collects once, whether collect() or the runtime comes first', async () => {
  const collector = new Collector();
  const remains = watchAndDrop(collector, 5);
  collector.collect();
  for (let round = 0; round < 5; round += 1) {
    await turn();
    collector.collect();
  }
  assert.equal(remains.count, 5);
});

test('Collector.unwatch forgets the target', () => {
  const collector = new Collector();
  const remains = new CountingRemains();
  const watchAndUnwatch = (): void => {
    const { watch } = new Target(collector, remains);
    collector.unwatch(watch);
    collector.unwatch(watch);
  };
  watchAndUnwatch();
  collector.collect();
  assert.equal(remains.count, 0);
});

test('Collector.collect does not depend on what a program has made of inspect', (t) => {
  const { customInspect, maxArrayLength, breakLength, showHidden } = inspect.defaultOptions;
  t.after(() => Object.assign(inspect.defaultOptions, { customInspect, maxArrayLength, breakLength, showHidden }));
  Object.assign(inspect.defaultOptions, {
    customInspect: false,
    maxArrayLength: 1,
    breakLength: 10,
    showHidden: false,
    colors: true,
  });
  t.after(() => Object.assign(inspect.defaultOptions, { colors: false }));
  const collector = new Collector();
  const remains = new CountingRemains();
  const kept = [new Target(collector, remains), new Target(collector, remains)];
  const dropped = watchAndDrop(collector, 3);
  collector.collect();
  assert.deepEqual([remains.count, dropped.count, kept.length], [0, 3, 2]);
});

test('Collector.collectBeforeRefusing gives the result of a successful operation, and collects nothing for it', () => {
  const collector = new Collector();
  const remains = watchAndDrop(collector, 1);
  assert.equal(
    collector.collectBeforeRefusing(() => 7),
    7,
  );
  assert.equal(remains.count, 0);
});

for (const code of ['ENOMEM', 'EMFILE', 'ENFILE'] as const) {
  test(`Collector.collectBeforeRefusing collects before it passes on ${code}`, () => {
    const collector = new Collector();
    const remains = watchAndDrop(collector, 4);
    let tries = 0;
    const allocate = (): number => {
      tries += 1;
      if (remains.count < 4) throw exhausted(code);
      return remains.count;
    };
    assert.equal(collector.collectBeforeRefusing(allocate), 4);
    assert.equal(tries, 2);
    const refuse = (): never => {
      tries += 1;
      throw exhausted(code);
    };
    assert.throws(() => collector.collectBeforeRefusing(refuse), { code });
    assert.equal(tries, 4);
  });
}

test('Collector.collectBeforeRefusing tries an operation once that is refused for another reason', () => {
  const collector = new Collector();
  const remains = watchAndDrop(collector, 1);
  for (const error of [new DmaBufError('no', { code: 'EACCES' }), new RangeError('ENOMEM')]) {
    let tries = 0;
    const refuse = (): never => {
      tries += 1;
      throw error;
    };
    assert.throws(() => collector.collectBeforeRefusing(refuse), error);
    assert.equal(tries, 1);
  }
  assert.equal(remains.count, 0);
});

test('Collector.collectBeforeRefusing gives back pending memory before it collects anything', () => {
  const collector = new Collector();
  const remains = watchAndDrop(collector, 1);
  let free = 0;
  const sweepable = { sweep: () => (free = 1) };
  collector.hasPending(sweepable);
  const allocate = (): number => {
    if (free === 0) throw exhausted('ENOMEM');
    return free;
  };
  assert.equal(collector.collectBeforeRefusing(allocate), 1);
  assert.equal(remains.count, 0);
  free = 0;
  collector.hasNothingPending(sweepable);
  assert.throws(() => collector.collectBeforeRefusing(allocate), { code: 'ENOMEM' });
});

test('Collector.collect waits for the unmapping that the runtime does on another thread', () => {
  const collector = new Collector();
  let sweeps = 0;
  const sweepable = {
    sweep: () => {
      sweeps += 1;
      if (sweeps === 5) collector.hasNothingPending(sweepable);
    },
  };
  collector.hasPending(sweepable);
  watchAndDrop(collector, 1);
  collector.collect();
  assert.equal(sweeps, 5);
});
