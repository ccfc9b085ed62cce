/**
 * Ends threads in every state and way, and checks for leftovers. In a process of its own, because
 * the test is whether it survives.
 *
 *     node dist/test/ends/ends-run.js THREADS [SEED]
 *
 * prints one line of JSON.
 */

import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';

import { SeededRandom } from '../../src/base/seeded-random.ts';
import { KiB, openHeap } from '../../src/index.ts';
import { createFrameRing } from '../../src/share/ring/index.ts';
import { listen } from '../../src/share/index.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import type { EndingWorkerData, WayToEnd } from './ending-worker.ts';
import { ThreadPeer } from './thread-peer.ts';
import { THREAD_STATES } from './thread-states.ts';
import type { ThreadStateName } from './thread-states.ts';

/** The resources of the process that threads have added. */
export interface Held {
  readonly fdCount: number;
  /** How many of each kind, such as `socket` or `/memfd:dmabuf-arena`. */
  readonly fdKinds: Readonly<Record<string, number>>;
  readonly memfdMappingCount: number;
}

/** What {@link runEnds} prints. */
export interface EndsReport {
  readonly seed: number;
  readonly threadCount: number;
  readonly before: Held;
  readonly after: Held;
  /**
   * Threads that did not reach their state although they were not ended: by state, with the reason.
   */
  readonly failures: readonly string[];
  /**
   * Connections to threads, and those whose other end did not know within a thousand turns of the
   * event loop that the thread has ended.
   */
  readonly connectionCount: number;
  readonly unseenEndCount: number;
}

const WORKER = new URL('ending-worker.js', import.meta.url);
const STATES = Object.keys(THREAD_STATES) as ThreadStateName[];
const WAYS: readonly WayToEnd[] = ['terminate', 'exit', 'throw'];
const AT_ONCE = 4;
const DELAY_MS_MAX = 12;
/** Loading the package takes longer than reaching the middle of anything. */
const LOADING_FACTOR = 8;
const SEEN_WITHIN_TURNS = 1000;
const SETTLING_MS = 100;

function held(): Held {
  const links = readdirSync('/proc/self/fd').map(linkOf).filter(isNoModule);
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    fdCount: links.length,
    fdKinds: countKinds(links),
    memfdMappingCount: maps.filter((line) => line.includes('memfd:dmabuf')).length,
  };
}

/** Waits until other threads have closed their files: the holdings of two readings in a row. */
async function settledHeld(): Promise<Held> {
  for (let last = held(); ;) {
    await setTimeout(SETTLING_MS);
    const now = held();
    if (isDeepStrictEqual(now, last)) return now;
    last = now;
  }
}

/** Empty where it is gone: the descriptor by which the folder itself was read. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

/** Node itself leaks descriptors of modules that a thread was reading when it was terminated. */
function isNoModule(link: string): boolean {
  return !link.endsWith('.js') && link !== '';
}

function countKinds(links: readonly string[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const link of links) {
    const kind = link.replace(/:\[\d+\]$| \(deleted\)$/u, '');
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

class EndsRun {
  readonly #random: SeededRandom;
  readonly #folder: string;
  readonly #failures: string[] = [];
  #unseenEndCount = 0;
  #connectionCount = 0;
  #started = 0;

  constructor(random: SeededRandom, folder: string) {
    this.#random = random;
    this.#folder = folder;
  }

  async run(threadCount: number): Promise<Omit<EndsReport, 'seed' | 'threadCount'>> {
    const heap = openHeap('system', { backends: ['embedded'] });
    const buffer = heap.allocate(64 * KiB);
    const view = buffer.vmap();
    const ring = createFrameRing(heap, { frameLength: 64 * KiB, frameCount: 24 });
    const publishing = setInterval(() => ring.acquire().publish(), 1);
    const listener = await listen(join(this.#folder, 'ring'));
    const serving = ring.serve(listener);
    const setup = { ringPath: join(this.#folder, 'ring'), handle: buffer.toHandle() };
    // What Node keeps of the first thread is not what is counted.
    await this.#endOne({ ...this.#choose(setup), state: 'loads' });
    const before = await settledHeld();
    const turns = Array.from({ length: AT_ONCE }, async () => {
      while (this.#started < threadCount) await this.#endOne(this.#choose(setup));
    });
    await Promise.all(turns);
    await collectGarbageUntil(() => held().fdCount <= before.fdCount, 100);
    const after = await settledHeld();
    clearInterval(publishing);
    for (const each of [listener, ring, view, buffer, heap]) each.close();
    await serving;
    const counts = { unseenEndCount: this.#unseenEndCount, connectionCount: this.#connectionCount };
    return { before, after, failures: this.#failures, ...counts };
  }

  #choose(setup: Pick<EndingWorkerData, 'ringPath' | 'handle'>): EndingWorkerData {
    this.#started += 1;
    const pick = <Value>(values: readonly Value[]): Value => values[this.#random.below(values.length)] as Value;
    return {
      ...setup,
      listenerPath: join(this.#folder, `peer-${this.#started}`),
      ownPath: join(this.#folder, `own-${this.#started}`),
      state: pick(STATES),
      way: pick(WAYS),
      delayMs: this.#random.below(DELAY_MS_MAX),
    };
  }

  async #endOne(data: EndingWorkerData): Promise<void> {
    const peer = await ThreadPeer.listen(data.listenerPath);
    const worker = new Worker(WORKER, { workerData: data, stdout: true, stderr: true });
    const ended = once(worker, 'exit').catch(() => {});
    worker.on('error', ({ message }) => {
      if (message !== 'The thread ends by this') this.#failures.push(`${data.state}: ${message}`);
    });
    // Those that load are ended while they do.
    const isLoading = data.state === 'loads';
    if (!isLoading) await Promise.race([once(worker, 'message').catch(() => {}), ended]);
    if (data.way === 'terminate') {
      await setTimeout(isLoading ? LOADING_FACTOR * data.delayMs : data.delayMs);
      await worker.terminate();
    }
    await ended;
    this.#unseenEndCount += await peer.countUnseenEnds(SEEN_WITHIN_TURNS);
    this.#connectionCount += peer.acceptedCount;
    await peer.close();
  }
}

const [threadCountText = '100', seedText = `${Date.now() % 2 ** 32}`] = process.argv.slice(2);
const seed = Number(seedText);
const threadCount = Number(threadCountText);
const folder = mkdtempSync(join(tmpdir(), 'dmabuf-ends-'));
try {
  const found = await new EndsRun(new SeededRandom(seed), folder).run(threadCount);
  process.stdout.write(`${JSON.stringify({ seed, threadCount, ...found } satisfies EndsReport)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
