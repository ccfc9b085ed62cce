/** Loads in threads and processes of their own: who waits for whom, and what is left of them. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../../src/base/errors.ts';
import { KiB, MiB } from '../../src/base/sizes.ts';
import { MemoryCalls } from '../../src/linux/calls/memory-calls.ts';
import type { Heap } from '../../src/index.ts';
import { SharedObjects } from '../../src/workload/contention/shared-objects.ts';
import { RECIPES } from '../../src/workload/recipes/recipes.ts';
import { runWorkload } from '../../src/workload/run-workload.ts';
import type { RunWorkloadOptions } from '../../src/workload/run-workload.ts';
import type { LoadPlace, PacedLoad, Workload } from '../../src/workload/workload.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/runner/leak-check.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';
import { untilThreadsSleep } from '../support/runner/until-threads-sleep.ts';
import { testContention } from './contention-rules.ts';

checkLeaksAfterFile();
testContention({ name: 'embedded', missing: false, open: () => openEmbeddedHeap({ capacity: 256 * MiB }) });

const OPTIONS = { caller: 'fixed', conversion: 'page', seed: 1, extent: { stepCount: 2 } } as const;
/** More functions of the kernel than any of these loads calls. */
const CALLS_MAX = 60;
const MEMORY = 64 * KiB;

function user(use: 'vmap' | 'cpu-access' | 'attachment' | 'mmap', place: LoadPlace): PacedLoad {
  return { consumer: 'dma-buf-user', buffer: 'shared', lengthBytes: MEMORY, use, stepsPerSecond: 100, place };
}

const POOL = {
  consumer: 'apusys-shared-pool',
  session: 'npu',
  commandCount: 70,
  commandBytes: 64 * KiB,
  largeCommandBytes: 64 * KiB,
  stepsPerSecond: 10,
  place: 'thread',
} as const satisfies PacedLoad;
const SESSION: PacedLoad = {
  consumer: 'apusys-map',
  session: 'npu',
  lengthBytes: MEMORY,
  bufferCount: 2,
  stepsPerSecond: 100,
  place: 'thread',
};
const LAUNCH: PacedLoad = {
  consumer: 'mtk-camera-launch',
  nodes: [
    { name: 'meta', kind: 'meta-statistics', lengthBytes: MEMORY },
    { name: 'imgo', kind: 'compressed-image', lengthBytes: MEMORY },
  ],
  bufferCount: 1,
  workingBytes: [MEMORY],
  stepsPerSecond: 10,
  place: 'thread',
};
const SYNC: PacedLoad = {
  consumer: 'dma-buf-sync',
  lengthBytes: MEMORY,
  attachmentCount: 2,
  stepsPerSecond: 10,
  place: 'thread',
};

function workloadOf(...loads: readonly PacedLoad[]): Workload {
  return { name: 'test', title: 'Test', basis: 'none', loads };
}

function childPids(): number[] {
  const text = readdirSync('/proc/self/task').map(childrenOf);
  return text.join(' ').split(/\s+/u).filter(Boolean).map(Number);
}

/** None of a thread that has ended meanwhile: the kernel gives them to another. */
function childrenOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/children`, 'utf8');
  } catch {
    return '';
  }
}

interface Holdings {
  readonly bufferCount: number;
  readonly threadCount: number;
  readonly descriptorCount: number;
  readonly memory: ReturnType<typeof heldMemory>;
}

function heldNow(heap: Heap): Holdings {
  const { bufferCount } = heap.stats();
  const threadCount = readdirSync('/proc/self/task').length;
  return { bufferCount, threadCount, descriptorCount: readdirSync('/proc/self/fd').length, memory: heldMemory() };
}

/** Runs, and checks that nothing is left, however the run ends. */
async function runAndCheck(loads: readonly PacedLoad[], options: Partial<RunWorkloadOptions> = {}): Promise<void> {
  using heap = openEmbeddedHeap({ capacity: 64 * MiB });
  await untilThreadsSleep();
  const before = await settled(() => heldNow(heap));
  const left: number[] = [];
  const partyHooks = { ...options.partyHooks, onEnd: (count: number): void => void left.push(count) };
  try {
    await runWorkload(workloadOf(...loads), { heap, ...OPTIONS, ...options, partyHooks });
  } finally {
    assert.deepEqual(
      left,
      left.map(() => 0),
    );
    assert.deepEqual(childPids(), []);
    // The kernel and the event loop put away some of it a moment later.
    await assertSettles(() => heldNow(heap), before);
  }
}

for (const [name, loads] of [
  [
    'a thread that maps a shared buffer beside one that attaches to it',
    [user('vmap', 'thread'), user('attachment', 'thread')],
  ],
  ['a process that maps a shared buffer', [user('vmap', 'process')]],
  ['threads that share a pool', [POOL, POOL]],
  ['threads that share a session', [SESSION, SESSION]],
  ['a camera that is launched in a thread', [LAUNCH]],
  ['a buffer that stays mapped in a thread', [SYNC]],
] as const)
  test(`${name}: the n-th function of the kernel fails, for every n, and all is given back`, async () => {
    // Before the first, what Node keeps of threads and processes is not there yet.
    await runWarm(loads);
    for (let failingCall = 1; failingCall <= CALLS_MAX; failingCall += 1) {
      const failed = await runAndCheck(loads, { partyHooks: { failingCall } }).then(
        () => false,
        (error: unknown) => {
          // A camera that gets NULL for a buffer that it writes to tells -EINVAL.
          if (!isDmaBufError(error, 'ENOMEM') && !isDmaBufError(error, 'EINVAL')) throw error;
          return true;
        },
      );
      if (!failed) {
        assert.ok(failingCall > 2, `${failingCall} is the first that does not fail`);
        return;
      }
    }
    assert.fail('It never came to its end');
  });

async function runWarm(loads: readonly PacedLoad[]): Promise<void> {
  using heap = openEmbeddedHeap({ capacity: 64 * MiB });
  await runWorkload(workloadOf(...loads), { heap, ...OPTIONS });
}

test('what the parties share is given back where the n-th system call fails, for every n', async () => {
  const calls = new FailingCalls();
  const workload = workloadOf(user('vmap', 'thread'), SESSION);
  using heap = openEmbeddedHeap({ capacity: 64 * MiB }, otherMachine(calls));
  const before = heldMemory();
  for (let n = 1; n <= CALLS_MAX; n += 1) {
    calls.failAt(n);
    let shared: SharedObjects | undefined;
    try {
      shared = new SharedObjects(heap, workload, new MemoryCalls(calls.raw));
    } catch (error) {
      if (!isDmaBufError(error)) throw error;
    }
    const { failed } = calls;
    calls.failAt();
    shared?.close();
    // A window that the kernel refuses to unmap goes as it is collected.
    await collectGarbageUntil(() => heap.stats().bufferCount === 0);
    assert.equal(heap.stats().bufferCount, 0);
    assert.deepEqual(heldMemory(), before, `after ${failed}`);
    if (failed === undefined) return;
  }
  assert.fail('It never came to its end');
});

for (const place of ['thread', 'process'] as const)
  test(`a run with a ${place} that is aborted ends it, and gives back what it had`, async () => {
    const loads = [user('vmap', place), user('cpu-access', place)];
    await runWarm(loads);
    const controller = new AbortController();
    const reason = new Error('enough');
    let steps = 0;
    const onStep = (): void => {
      steps += 1;
      if (steps === 5) controller.abort(reason);
    };
    const options = { extent: { seconds: 600 }, signal: controller.signal, onStep };
    await assert.rejects(runAndCheck(loads, options), reason);
  });

test('where a load of this thread fails, threads and processes end with it', async () => {
  const own: PacedLoad = {
    consumer: 'nvidia-pva',
    lengthBytes: 4096,
    bufferCount: 1,
    fenceCount: 1,
    stepsPerSecond: 10,
  };
  const loads = [own, user('vmap', 'thread'), user('vmap', 'process')];
  await runWarm(loads);
  let steps = 0;
  const onStep = (): void => {
    steps += 1;
    if (steps === 3) throw new Error('the third step fails');
  };
  await assert.rejects(runAndCheck([own], { extent: { seconds: 600 }, onStep }), /the third step fails/u);
  await assert.rejects(runAndCheck([...loads, { ...own, lengthBytes: 2 ** 40 }]), (error) => isDmaBufError(error));
});

test('a process that is killed ends the run, with its name and the signal, and hangs nobody', async () => {
  const loads = [user('vmap', 'process'), user('cpu-access', 'process'), user('attachment', 'thread')];
  await runWarm(loads);
  let killed = 0;
  const onStep = (): void => {
    const [pid] = childPids();
    if (killed !== 0 || pid === undefined) return;
    killed = pid;
    process.kill(pid, 'SIGKILL');
  };
  await assert.rejects(runAndCheck(loads, { extent: { seconds: 600 }, onStep }), (error) => {
    assert.ok(isDmaBufError(error, 'EIO'));
    assert.equal(error.message, 'Cannot go on with dma-buf-user as its process was ended by SIGKILL');
    return true;
  });
  assert.notEqual(killed, 0);
});

for (const place of ['thread', 'process'] as const)
  test(`a ${place} that cannot open its heap tells why, and what would help`, async () => {
    using heap = openEmbeddedHeap({ capacity: 64 * MiB });
    const elsewhere = new Proxy(heap, {
      get: (target, key) => (key === 'name' ? 'none' : key === 'backend' ? 'kernel' : Reflect.get(target, key, target)),
    });
    const workload = workloadOf({ ...SYNC, place });
    await assert.rejects(runWorkload(workload, { heap: elsewhere, ...OPTIONS }), (error) => {
      assert.ok(isDmaBufError(error));
      assert.match(error.message, /^Cannot open heap "none" as kernel: /u);
      return true;
    });
    assert.deepEqual(childPids(), []);
  });

test('threads that share a pool share its chunks, and none is given back before its end', async () => {
  using heap = openEmbeddedHeap({ capacity: 64 * MiB });
  const runPool = async (
    count: number,
    commands: { readonly commandCount: number; readonly largeCommandBytes?: number },
  ): Promise<number[]> => {
    const sizes: number[] = [];
    const workload = workloadOf(...Array.from({ length: count }, () => ({ ...POOL, ...commands })));
    const { report } = await runWorkload(workload, {
      heap,
      ...OPTIONS,
      extent: { stepCount: 4 },
      onRecord: (record) => void sizes.push('sizeBytes' in record ? (record.sizeBytes ?? 0) : -1),
    });
    assert.equal(report.mappingCount, sizes.length);
    return sizes;
  };
  // Of one thread: 64 commands of 64 KiB fill a chunk, 36 go to a second, and 5 MiB need 8.
  assert.deepEqual(
    await runPool(1, { commandCount: 100, largeCommandBytes: 5 * MiB }),
    [4, 4, 4, 4, 8, 8].map((size) => size * MiB),
  );
  // All four together need less than a chunk.
  assert.deepEqual(await runPool(4, { commandCount: 8 }), [4 * MiB, 4 * MiB]);
  const grown = await runPool(4, { commandCount: 100, largeCommandBytes: 5 * MiB });
  assert.ok(grown.every((size) => size === 4 * MiB || size === 8 * MiB) && grown.length % 2 === 0, String(grown));
});

test('the loads of a recipe in threads and processes all have what they need', () => {
  const placed = RECIPES.filter(({ loads }) => loads.some(({ place }) => place !== undefined));
  assert.deepEqual(
    placed.map(({ name }) => name),
    ['contention', 'contention-of-processes', 'camera-launch', 'model-load-beside', 'pool-growth'],
  );
});
