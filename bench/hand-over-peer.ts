/**
 * The other process of bench/hand-over.ts: reads every frame that it gets, and answers with the
 * time of completion.
 */

import process from 'node:process';

import { joinFrameRing } from '../src/share/ring/index.ts';
import { takeInheritedConnection } from '../src/share/index.ts';
import { READINGS, readFrame } from './read-frame.ts';
import type { Reading } from './read-frame.ts';

/** A frame that comes through `child_process`. */
export interface FrameMessage {
  readonly reading: Reading;
  readonly frame: Uint8Array;
}

/** The answer of the other process. */
export interface HandOverAnswer {
  /** The time when the frame was read, in ns of CLOCK_MONOTONIC, which all processes share. */
  readonly readAt: bigint;
  /** The result of `readFrame`. */
  readonly found: number;
}

const PAGE_SIZE = Number(process.argv[2]);

function answer(frame: Uint8Array, reading: Reading): void {
  const found = readFrame(frame, reading, PAGE_SIZE);
  const answered: HandOverAnswer = { readAt: process.hrtime.bigint(), found };
  process.send?.(answered);
}

process.on('message', ({ frame, reading }: FrameMessage) => answer(frame, reading));

const consumer = await joinFrameRing(takeInheritedConnection(), { mode: 'every' });
for await (const frame of consumer) {
  answer(frame.bytes, READINGS[frame.metadata[0] ?? 0] ?? READINGS[0]);
  frame.release();
}
process.disconnect();
