/**
 * Goal: a thread that ends, in any state and way, neither ends the process nor leaves anything
 * behind. Method: test/ends/ends-run.ts in a process of its own: threads in every state of
 * thread-states.ts, ended at random instants. A failure names the seed. `DMABUF_ENDS_THREADS=10000
 * npm test -- --only ends` ends as many threads, and takes long.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { EndsReport } from './ends-run.ts';

const RUN = fileURLToPath(new URL('ends-run.js', import.meta.url));
const THREAD_COUNT = Number(process.env['DMABUF_ENDS_THREADS'] ?? 400);
/** Each piece is a process: leftovers add up within it. */
const PIECE_THREAD_COUNT = 200;
/** Each thread takes about 0.1 s where the machine is busy. */
const PIECE_TIMEOUT_MS = 300_000;

for (let piece = 0; piece * PIECE_THREAD_COUNT < THREAD_COUNT; piece += 1) {
  const threadCount = Math.min(PIECE_THREAD_COUNT, THREAD_COUNT - piece * PIECE_THREAD_COUNT);

  test(`${threadCount} threads that end in every state leave nothing, and the process lives (piece ${piece + 1})`, () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const args = ['--enable-source-maps', RUN, `${threadCount}`, `${seed}`];
    const options = { encoding: 'utf8', timeout: PIECE_TIMEOUT_MS } as const;
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, options);
    const about = `seed ${seed}\n${stdout}\n${stderr}`;
    assert.deepEqual([status, signal], [0, null], about);
    const report = JSON.parse(stdout) as EndsReport;
    assert.deepEqual(report.failures, [], about);
    assert.deepEqual(report.after, report.before, about);
    assert.equal(report.unseenEndCount, 0, about);
    assert.ok(report.connectionCount > 0, about);
  });
}
