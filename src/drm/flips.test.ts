import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';

import { onAbort } from '../base/abort.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import type { FlipEvent } from '../linux/calls/drm-commit-calls.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import { Flips } from './flips.ts';

/** A card that reports flips when it is told to, and refuses a second one meanwhile. */
class FakeCard {
  readonly flips: Flips;
  /** The flips under way, at most one. */
  readonly underWay: number[] = [];
  readonly committed: number[] = [];
  readonly #events: FlipEvent[] = [];
  #wake = (): void => {};

  constructor() {
    const card = { borrow: () => 3 } as OwnedFd;
    const source = { readFlips: () => this.#events.splice(0) };
    this.flips = new Flips(source, card, async (_card, signal) => {
      await new Promise<void>((resolve, reject) => {
        const stopListening = onAbort(signal, reject);
        this.#wake = () => {
          stopListening();
          resolve();
        };
        if (this.#events.length > 0) this.#wake();
      });
    });
  }

  async show(name: number, signal?: AbortSignal): Promise<number> {
    const event = await this.flips.make((token) => {
      assert.equal(this.underWay.length, 0, 'EBUSY');
      this.underWay.push(token);
      this.committed.push(name);
    }, signal);
    return event.sequence;
  }

  report(sequence: number): void {
    const token = this.underWay.pop();
    assert.ok(token !== undefined);
    this.#events.push({ token, seconds: 0, microseconds: 0, sequence });
    this.#wake();
  }
}

test('make() commits at once, and resolves with the event of its own token', async () => {
  const card = new FakeCard();
  const shown = card.show(1);
  assert.deepEqual(card.committed, [1]);
  card.report(77);
  assert.equal(await shown, 77);
});

test('make() commits one flip after the other, in the order of the calls', async () => {
  const card = new FakeCard();
  const shown = [card.show(1), card.show(2), card.show(3)];
  for (const sequence of [10, 20, 30]) {
    await setImmediate();
    card.report(sequence);
  }
  assert.deepEqual(await Promise.all(shown), [10, 20, 30]);
  assert.deepEqual(card.committed, [1, 2, 3]);
});

test('make() that is refused rejects with the refusal, and the next one is made', async () => {
  const card = new FakeCard();
  await assert.rejects(
    card.flips.make(() => {
      throw new Error('refused');
    }, undefined),
    /refused/u,
  );
  const shown = card.show(2);
  card.report(5);
  assert.equal(await shown, 5);
});

test('make() that is aborted while it waits for its turn commits nothing', async () => {
  const card = new FakeCard();
  const first = card.show(1);
  const controller = new AbortController();
  const second = card.show(2, controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(second, /enough/u);
  card.report(1);
  assert.equal(await first, 1);
  assert.deepEqual(card.committed, [1]);
});

test('make() that is aborted after its commit keeps the turn until the flip is reported', async () => {
  const card = new FakeCard();
  const controller = new AbortController();
  const first = card.show(1, controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(first, /enough/u);
  const second = card.show(2);
  await setImmediate();
  assert.deepEqual(card.committed, [1]);
  card.report(1);
  await setImmediate();
  card.report(2);
  assert.equal(await second, 2);
});

test('end() rejects what waits for a flip and for its turn, and what comes afterwards', async () => {
  const card = new FakeCard();
  const rejections = [card.show(1), card.show(2)].map((shown) => assert.rejects(shown, /closed/u));
  card.flips.end(new Error('closed'));
  await Promise.all(rejections);
  await assert.rejects(card.show(3), /closed/u);
  assert.deepEqual(card.committed, [1]);
});

test('make(), aborts and reports in any order: each flip is committed in its turn, and settles', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = new SeededRandom(seed);
    const card = new FakeCard();
    const controllers: AbortController[] = [];
    const aborted = new Set<number>();
    const settled: Promise<unknown>[] = [];
    for (let step = 0; step < 60; step += 1) {
      const choice = random.below(4);
      if (choice < 2) {
        const name = controllers.length;
        const controller = new AbortController();
        controllers.push(controller);
        settled.push(card.show(name, controller.signal).catch((error: unknown) => error));
      } else if (choice === 2 && controllers.length > 0) {
        const name = random.below(controllers.length);
        if (!card.committed.includes(name)) aborted.add(name);
        controllers[name]?.abort(new Error('given up'));
      } else if (card.underWay.length > 0) card.report(step + 1);
      if (random.below(2) === 0) await setImmediate();
    }
    for (;;) {
      await setImmediate();
      if (card.underWay.length === 0) break;
      card.report(1);
    }
    await Promise.all(settled);
    const expected = controllers.map((_, name) => name).filter((name) => !aborted.has(name));
    assert.deepEqual(card.committed, expected, `seed ${seed}`);
  }
});
