/**
 * The loop of a camera: a frame dequeued, one word a page of it read between begin and end of CPU
 * access, queued again. Beside a C program that makes the same calls, each in a process of its own.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { assert } from '../src/base/assert.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { median } from '../src/base/median.ts';
import { listCameras } from '../src/v4l2/index.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';
import { medianOrNull, takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';

export interface CameraBenchOptions {
  /** The program `camera`, built. */
  readonly peer: CPeer;
  readonly turns?: Turns;
  readonly counts?: FrameCounts;
}

/** How many frames a run takes. */
interface FrameCounts {
  /** Until the engine has compiled for good what ours runs. C needs none. */
  readonly warmup: number;
  readonly measured: number;
}

/** A way to run a camera. */
interface CameraSetting {
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  readonly buffers: number;
}

/** What one run found. */
interface LoopResult {
  readonly processorNs: number;
  readonly lostCount: number;
}

/** Only the kernel's test camera is run unasked. */
const TEST_DRIVER = 'vivid';
const FORMAT = 'YUYV';
const SETTINGS: readonly CameraSetting[] = [
  { width: 640, height: 360, rate: 30, buffers: 4 },
  { width: 320, height: 180, rate: 120, buffers: 64 },
];
const COUNTS_DEFAULT: FrameCounts = { warmup: 1000, measured: 1000 };
const TURNS_DEFAULT: Turns = { turns: 3, roundsPerTurn: 1, warmupRounds: 0 };
/** Of C's processor time. */
const OF_C = 1 / 1.5;
const LOOP_PATH = fileURLToPath(new URL('camera-loop.js', import.meta.url));
const OURS = 'camera.frames(), accessSync(), close()';
const IN_C = 'C, the same system calls';

function runLoop(program: readonly string[], device: string, setting: CameraSetting, counts: FrameCounts): LoopResult {
  const { width, height, rate, buffers } = setting;
  const words = [device, width, height, FORMAT, rate, buffers, counts.warmup, counts.measured];
  const [command = '', ...first] = program;
  const { status, stdout, stderr } = spawnSync(command, [...first, ...words.map(String)], { encoding: 'utf8' });
  assert(status === 0, `The loop runs to its end: ${stderr}`);
  const [processorNs = 0, lostCount = 0] = stdout.split(' ').map(Number);
  return { processorNs, lostCount };
}

function lostOf(results: readonly LoopResult[], { measured }: FrameCounts): string {
  const lost = results.map(({ lostCount }) => lostCount);
  return `${median(lost)} frames lost of ${measured} that came`;
}

/** ns of processor time for a frame. */
function frameNs(results: readonly LoopResult[], { measured }: FrameCounts): number[] {
  return results.map(({ processorNs }) => processorNs / measured);
}

export async function* cameraRows(options: CameraBenchOptions): AsyncGenerator<JudgedRow, void, undefined> {
  const { peer, turns = TURNS_DEFAULT, counts = COUNTS_DEFAULT } = options;
  const camera = listCameras().find((each) => each.refusal === undefined && each.driver === TEST_DRIVER);
  if (camera === undefined) {
    const ours = `n/a: no camera of ${TEST_DRIVER} here: in a guest of npm run vm, modprobe ${TEST_DRIVER} makes one`;
    yield toBenchRow({ subject: 'a camera', ours, oursNs: null, peer: IN_C, peerNs: null });
    return;
  }
  for (const setting of SETTINGS) {
    const { width, height, rate, buffers } = setting;
    const ours = (): LoopResult => runLoop([process.execPath, LOOP_PATH], camera.path, setting, counts);
    const inC = peer.built
      ? (): LoopResult => runLoop([peer.path], camera.path, setting, { ...counts, warmup: 0 })
      : undefined;
    const [found, foundInC] = await takeTurns([ours, inC], turns);
    yield toBenchRow({
      subject: `a camera, a frame of ${width}x${height} at ${rate} a second, ${buffers} buffers`,
      ours: `${OURS}: ${lostOf(found, counts)}`,
      oursNs: median(frameNs(found, counts)),
      peer: foundInC.length === 0 ? IN_C : `${IN_C}: ${lostOf(foundInC, counts)}`,
      peerNs: medianOrNull(frameNs(foundInC, counts)),
      target: OF_C,
    });
  }
}
