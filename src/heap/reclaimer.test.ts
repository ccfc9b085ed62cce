import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { collectGarbageUntil } from '../../test/support/runner/collect-garbage.ts';
import { DmaBufError } from '../base/errors.ts';
import { Reclaimer } from './reclaimer.ts';

/** A release that succeeds when `ready`, and counts its attempts. */
class TestRelease {
  tries = 0;
  ready = false;

  tryRelease(): boolean {
    this.tries += 1;
    return this.ready;
  }
}

test('Reclaimer.tryNowOrLater does not keep a release that succeeds at once', () => {
  const reclaimer = new Reclaimer();
  const release = new TestRelease();
  release.ready = true;
  reclaimer.tryNowOrLater(release);
  assert.equal(release.tries, 1);
  assert.equal(reclaimer.pendingCount, 0);
});

test('Reclaimer.sweep tries every release, and forgets those that succeeded', () => {
  const reclaimer = new Reclaimer();
  const [first, second] = [new TestRelease(), new TestRelease()];
  reclaimer.tryNowOrLater(first);
  reclaimer.add(second);
  assert.equal(reclaimer.pendingCount, 2);
  assert.deepEqual([first.tries, second.tries], [1, 0]);
  first.ready = true;
  reclaimer.sweep();
  assert.equal(reclaimer.pendingCount, 1);
  assert.deepEqual([first.tries, second.tries], [2, 1]);
  second.ready = true;
  reclaimer.sweep();
  reclaimer.sweep();
  assert.equal(reclaimer.pendingCount, 0);
  assert.deepEqual([first.tries, second.tries], [2, 2]);
});

test('Reclaimer keeps a release that the kernel refuses, and tries it again', () => {
  const reclaimer = new Reclaimer();
  let refuse = true;
  const tryRelease = (): boolean => {
    if (refuse) throw new DmaBufError('munmap failed with ENOMEM', { code: 'ENOMEM', syscall: 'munmap' });
    return true;
  };
  reclaimer.tryNowOrLater({ tryRelease });
  assert.equal(reclaimer.pendingCount, 1);
  reclaimer.sweep();
  assert.equal(reclaimer.pendingCount, 1);
  refuse = false;
  reclaimer.sweep();
  assert.equal(reclaimer.pendingCount, 0);
});

test('Reclaimer throws an error that is not a refusal of the kernel: it is a bug', () => {
  const tryRelease = (): never => {
    throw new TypeError('a bug');
  };
  assert.throws(() => new Reclaimer().tryNowOrLater({ tryRelease }), { name: 'TypeError', message: 'a bug' });
});

test('Reclaimer keeps a release that is added while it sweeps', () => {
  const reclaimer = new Reclaimer();
  const later = new TestRelease();
  reclaimer.add({
    tryRelease: () => {
      reclaimer.tryNowOrLater(later);
      return true;
    },
  });
  reclaimer.sweep();
  assert.equal(reclaimer.pendingCount, 1);
  later.ready = true;
  reclaimer.sweep();
  assert.equal(reclaimer.pendingCount, 0);
});

test('Reclaimer retries by itself until each release succeeds, including one added after it was empty', async () => {
  const reclaimer = new Reclaimer();
  for (let round = 0; round < 2; round += 1) {
    const release = new TestRelease();
    reclaimer.tryNowOrLater(release);
    while (release.tries < 3) await sleep(10);
    release.ready = true;
    while (reclaimer.pendingCount > 0) await sleep(10);
    const { tries } = release;
    await sleep(10);
    assert.equal(release.tries, tries);
  }
});

test('Reclaimer keeps the object alive that a pending release names, until it succeeds', async () => {
  const reclaimer = new Reclaimer();
  const release = new TestRelease();
  let collected = false;
  const registry = new FinalizationRegistry<string>(() => {
    collected = true;
  });
  // In a function of its own, so that no variable here leads to the object.
  const addWithObject = (): void => {
    const keepAlive = { large: 'object' };
    registry.register(keepAlive, '');
    reclaimer.add({ keepAlive, tryRelease: () => release.tryRelease() });
  };
  addWithObject();
  const triesMin = 2;
  await collectGarbageUntil(() => release.tries >= triesMin);
  assert.equal(collected, false);
  release.ready = true;
  reclaimer.sweep();
  assert.equal(await collectGarbageUntil(() => collected), true);
});

test('Reclaimer does not keep a program from ending', () => {
  const script = `
    import { Reclaimer } from ${JSON.stringify(new URL('reclaimer.js', import.meta.url).href)};
    new Reclaimer().add({ tryRelease: () => false });
  `;
  const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 });
  assert.deepEqual({ status, signal }, { status: 0, signal: null });
});
