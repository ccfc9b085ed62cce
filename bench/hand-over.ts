/**
 * A frame handed over to another process, which reads it: through a frame ring, and through
 * `child_process`.
 */

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { on } from 'node:events';
import { fileURLToPath } from 'node:url';

import { assert } from '../src/base/assert.ts';
import { CleanupStack } from '../src/base/cleanup.ts';
import { formatSize, MiB } from '../src/base/sizes.ts';
import { openEmbeddedHeap } from '../src/backend/embedded/embedded-heap.ts';
import { median } from '../src/base/median.ts';
import { createFrameRing } from '../src/share/ring/index.ts';
import { connectionForChild } from '../src/share/index.ts';
import type { FrameRing } from '../src/share/ring/index.ts';
import type { FrameMessage, HandOverAnswer } from './hand-over-peer.ts';
import type { JudgedRow } from './judged-row.ts';
import { fillFrame, READINGS, readFrame } from './read-frame.ts';
import type { Reading } from './read-frame.ts';
import { toBenchRow } from './row.ts';
import { medianOrNull, ninetiethPercentile, takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';

export interface HandOverBenchOptions {
  readonly turns?: Turns;
}

/** Frames that a process hands over in large numbers. */
interface FrameKind {
  readonly name: string;
  readonly length: number;
  /** The target ratio to `child_process`, by the way of reading. */
  readonly targets: Partial<Record<Reading, number>>;
}

const FRAME_KINDS: readonly FrameKind[] = [
  { name: '16 MiB', length: 16 * MiB, targets: { 'one word a page': 100, 'every byte': 15 } },
  // 12 bits per pixel.
  { name: '1080p in NV12', length: (1920 * 1080 * 3) / 2, targets: {} },
];
const TURNS_DEFAULT: Turns = { turns: 10, roundsPerTurn: 8, warmupRounds: 2 };
const WARMUP_ROUNDS = 150;
const WARMUP_ROUNDS_OF_IPC = 4;
/** The newest, the one being written, and the one being read. */
const FRAME_COUNT = 3;
const PEER_PATH = fileURLToPath(new URL('hand-over-peer.js', import.meta.url));

/** The other process, and both ways to it. It lives as long as this object. */
class HandOver {
  readonly #child: ChildProcess;
  readonly #ring: FrameRing;
  /** The result of reading a frame. */
  readonly #expected: Readonly<Record<Reading, number>>;
  readonly #plain: Uint8Array;
  readonly #answers: AsyncIterator<unknown>;

  private constructor(child: ChildProcess, ring: FrameRing, pageSize: number) {
    this.#child = child;
    this.#ring = ring;
    this.#plain = new Uint8Array(ring.frameLength);
    fillFrame(this.#plain);
    const found = READINGS.map((reading) => [reading, readFrame(this.#plain, reading, pageSize)]);
    this.#expected = Object.fromEntries(found) as Record<Reading, number>;
    this.#answers = on(child, 'message', { close: ['exit'] });
  }

  static async open(length: number, cleanup: CleanupStack): Promise<HandOver> {
    const heap = openEmbeddedHeap();
    cleanup.defer(() => heap.close());
    const ring = createFrameRing(heap, { frameLength: length, frameCount: FRAME_COUNT });
    cleanup.defer(() => ring.close());
    const inherited = connectionForChild({ stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const child = fork(PEER_PATH, [String(heap.pageSize)], {
      stdio: inherited.stdio,
      env: { ...process.env, ...inherited.env },
      serialization: 'advanced',
    });
    cleanup.defer(() => child.kill());
    inherited.close();
    const handOver = new HandOver(child, ring, heap.pageSize);
    fillFrames(ring);
    await ring.addConsumer(inherited.connection);
    // It begins with the newest frame.
    await handOver.#answered(0n, READINGS[0]);
    for (const reading of READINGS) await handOver.#warmUp(reading);
    return handOver;
  }

  /**
   * The ns until the other process has read a frame, including taking it, publishing and waking.
   */
  throughRing(reading: Reading): () => Promise<number> {
    const metadata = Uint8Array.of(READINGS.indexOf(reading));
    return async () => {
      const start = process.hrtime.bigint();
      this.#ring.acquire().publish({ metadata });
      return await this.#answered(start, reading);
    };
  }

  throughIpc(reading: Reading): () => Promise<number> {
    const message: FrameMessage = { reading, frame: this.#plain };
    return async () => {
      const start = process.hrtime.bigint();
      this.#child.send(message);
      return await this.#answered(start, reading);
    };
  }

  /**
   * Enough for the code of both processes to be compiled. A hand-over through the ring is mostly
   * code.
   */
  async #warmUp(reading: Reading): Promise<void> {
    const [throughRing, throughIpc] = [this.throughRing(reading), this.throughIpc(reading)];
    for (let round = 0; round < WARMUP_ROUNDS; round += 1) await throughRing();
    for (let round = 0; round < WARMUP_ROUNDS_OF_IPC; round += 1) await throughIpc();
  }

  async #answered(start: bigint, reading: Reading): Promise<number> {
    const answer = await this.#nextAnswer();
    assert(answer.found === this.#expected[reading], 'What is read is what was handed over');
    return Number(answer.readAt - start);
  }

  async #nextAnswer(): Promise<HandOverAnswer> {
    const { done, value } = await this.#answers.next();
    assert(done !== true, 'The other process lives as long as the benchmark');
    return (value as [HandOverAnswer])[0];
  }
}

function fillFrames(ring: FrameRing): void {
  for (let count = 0; count < FRAME_COUNT; count += 1) {
    const frame = ring.acquire();
    fillFrame(frame.bytes);
    frame.publish();
  }
}

async function* rowsOf({ name, length, targets }: FrameKind, turns: Turns): AsyncGenerator<JudgedRow, void, undefined> {
  const cleanup = new CleanupStack();
  try {
    const handOver = await HandOver.open(length, cleanup);
    for (const reading of READINGS) {
      const [ringNs, ipcNs] = await takeTurns([handOver.throughRing(reading), handOver.throughIpc(reading)], turns);
      const target = targets[reading];
      const subject = `a frame handed to another process, ${name} (${formatSize(length)})`;
      const atMedian = { subject, ours: `frame ring, ${reading}`, oursNs: median(ringNs) };
      yield toBenchRow({
        ...atMedian,
        peer: 'child_process IPC, the same',
        peerNs: medianOrNull(ipcNs),
        ...(target === undefined ? {} : { target }),
      });
      yield toBenchRow({
        subject,
        ours: `frame ring, ${reading}; p90`,
        oursNs: ninetiethPercentile(ringNs),
        peer: 'child_process IPC, the same; p90',
        peerNs: ninetiethPercentile(ipcNs),
      });
    }
  } finally {
    cleanup.unwind();
  }
}

export async function* handOverRows(options: HandOverBenchOptions = {}): AsyncGenerator<JudgedRow, void, undefined> {
  for (const kind of FRAME_KINDS) yield* rowsOf(kind, options.turns ?? TURNS_DEFAULT);
}
