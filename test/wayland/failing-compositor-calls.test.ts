/**
 * Whichever system call fails while a window is opened, shows pictures or the screen is captured: a
 * typed error or none, and nothing is left. Method: as in test/share/failing-calls.test.ts.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../../src/index.ts';
import type { Heap } from '../../src/index.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { captureScreen } from '../../src/wayland/capture-screen.ts';
import { openWindow } from '../../src/wayland/open-window.ts';
import { assertHeld, heldDescriptors, settledDescriptors } from '../share/held-descriptors.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { event, listenNaively } from './naive-compositor.ts';
import type { Answers } from './naive-compositor.ts';

checkLeaksAfterFile();

const CAPACITY = 1024 * 1024;

/** What an operation is done with: its machine is the one whose calls fail. */
interface Tools {
  readonly display: string;
  readonly heap: Heap;
  readonly context: ShareContext;
}

/** @returns the name of the call that failed, and whether the operation failed with it */
async function runFailing(
  t: TestContext,
  { answers, run }: { answers: Answers; run: (tools: Tools) => Promise<void> },
  n: number,
): Promise<{ failed: string | undefined; isRefused: boolean }> {
  const calls = new FailingCalls();
  const machine = otherMachine({ raw: calls.raw });
  const heap = openEmbeddedHeap({ capacity: CAPACITY }, machine);
  const display = join(temporaryFolder(t), 'wayland');
  const listening = listenNaively(t, display, answers);
  const given = new AbortController();
  const accepting = listening.accept(given.signal).catch(() => undefined);
  let isRefused = false;
  let failed: string | undefined;
  try {
    calls.failAt(n);
    await run({ display, heap, context: new ShareContext(machine) });
  } catch (error) {
    assert.ok(isDmaBufError(error), inspect(error));
    isRefused = true;
  } finally {
    ({ failed } = calls);
    calls.failAt();
    given.abort();
    (await accepting)?.end();
    listening.close();
    heap.close();
  }
  return { failed, isRefused };
}

/** Lets the n-th call of `run` fail, for every n. @returns the names of those that were refused */
async function failEach(
  t: TestContext,
  operation: { answers: Answers; run: (tools: Tools) => Promise<void> },
): Promise<Set<string>> {
  const refused = new Set<string>();
  assert.deepEqual(await runFailing(t, operation, Number.POSITIVE_INFINITY), { failed: undefined, isRefused: false });
  const held = await settledDescriptors();
  for (let n = 1; ; n += 1) {
    const { failed, isRefused } = await runFailing(t, operation, n);
    // A window over which no zeros could be mapped goes with its array.
    await collectGarbageUntil(() => isDeepStrictEqual(heldDescriptors(), held), 20);
    await assertHeld(held, `after call ${n}, ${failed}`);
    if (failed === undefined) return refused;
    if (isRefused) refused.add(failed);
  }
}

/** The heap has its memfd before. */
const NEEDED = ['socket', 'connect', 'getsockopt', 'fcntl', 'sendmsg', 'recvmsg'];

function assertRefused(refused: ReadonlySet<string>): void {
  for (const name of NEEDED) assert.ok(refused.has(name), `${name}: ${[...refused].join(', ')}`);
}

async function showTwo({ display, heap, context }: Tools): Promise<void> {
  const description = describeFrame('XRGB8888', { width: 8, height: 4 });
  using first = heap.allocate(description.length, { shareable: true });
  using second = heap.allocate(description.length, { shareable: true });
  using window = await openWindow({ display, width: 8, height: 4 }, context);
  const shown = await window.show(new FrameLayout(description, [first]));
  await shown.drawn;
  const next = await window.show(new FrameLayout(description, [second]));
  await next.drawn;
  await shown.released;
}

test('openWindow() and show(): the n-th system call fails, for every n', async (t) => {
  const refused = await failEach(t, { answers: {}, run: showTwo });
  assertRefused(refused);
});

const SCREENCOPY: Answers = {
  globals: ['wl_shm', 'wl_output', 'zwlr_screencopy_manager_v1'],
  at: {
    'zwlr_screencopy_manager_v1 0': (one) => one.send(event(one.idOf('zwlr_screencopy_frame_v1'), 0, 1, 2, 3, 16)),
    'zwlr_screencopy_frame_v1 0': (one) =>
      // Upside down, so that its memory is mapped, too.
      one.send(
        event(one.idOf('zwlr_screencopy_frame_v1'), 1, 1),
        event(one.idOf('zwlr_screencopy_frame_v1'), 2, 0, 0, 0),
      ),
  },
};

const WESTON: Answers = {
  globals: ['wl_shm', 'wl_output', 'weston_capture_v1'],
  at: {
    'weston_capture_v1 1': (one) =>
      one.send(
        // XR24, 2 pixels by 3.
        event(one.idOf('weston_capture_source_v1'), 0, 0x3432_5258),
        event(one.idOf('weston_capture_source_v1'), 1, 2, 3),
      ),
    'weston_capture_source_v1 1': (one) => one.send(event(one.idOf('weston_capture_source_v1'), 2)),
  },
};

for (const [name, answers] of Object.entries({ screencopy: SCREENCOPY, "weston's capture": WESTON }))
  test(`captureScreen() by ${name}: the n-th system call fails, for every n`, async (t) => {
    const run = async ({ display, heap, context }: Tools): Promise<void> => {
      const { buffers } = await captureScreen(heap, { display }, context);
      for (const buffer of buffers) buffer.close();
    };
    const refused = await failEach(t, { answers, run });
    assertRefused(refused);
  });
