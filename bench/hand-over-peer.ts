/** The other process of bench/hand-over.ts: reads every frame that it gets, and answers when it was done with it. */

import process from 'node:process';

import { joinFrameRing, takeInheritedConnection } from '../src/share/index.ts';
import { READINGS, readFrame } from './read-frame.ts';
import type { Reading } from './read-frame.ts';

/** A frame that comes through `child_process`. */
export interface FrameMessage {
  readonly reading: Reading;
  readonly frame: Uint8Array;
}

/** What the other process answers. */
export interface HandOverAnswer {
  /** When the frame was read, in ns of CLOCK_MONOTONIC, which is one for all processes. */
  readonly readAt: bigint;
  /** What `readFrame` returned. */
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
