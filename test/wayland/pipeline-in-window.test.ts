/**
 * Frames from an unmodified GStreamer pipeline in a window of an unmodified weston, and on to
 * another pipeline: every pixel at both ends, and no memory but the first pipeline's.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openHeap } from '../../src/index.ts';
import { captureScreen } from '../../src/wayland/index.ts';
import { missingGStreamer } from '../support/processes/gstreamer-root.ts';
import { runPipeline, startPipeline } from '../support/processes/gstreamer.ts';
import { isListening } from '../support/processes/listening-socket.ts';
import { missingWeston, startWeston } from '../support/processes/weston.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const skip = missingGStreamer() || missingWeston();
checkLeaksAfterFile();

const EXAMPLE = fileURLToPath(new URL('../../examples/pipeline-in-window.js', import.meta.url));
const SIZE = { width: 320, height: 200 };
const CAPS = `video/x-raw,format=BGRx,width=${SIZE.width},height=${SIZE.height},framerate=30/1`;
const FRAME_BYTES = 320 * 200 * 4;
/** 5 seconds: the other pipeline takes a while to start. */
const FRAME_COUNT = 150;
const SOURCE = `videotestsrc num-buffers=${FRAME_COUNT} pattern=ball ! ${CAPS}`;

/** Pictures one behind the other, without what lies in the byte that is nobody's. */
function pictures(bytes: Uint8Array): Buffer[] {
  const plain = Buffer.from(bytes);
  for (let at = 3; at < plain.length; at += 4) plain[at] = 0;
  return Array.from({ length: plain.length / FRAME_BYTES }, (_, index) =>
    plain.subarray(index * FRAME_BYTES, (index + 1) * FRAME_BYTES),
  );
}

/** Asserts that each picture is one of `sent`, in their order. @returns how many different ones */
function countInOrder(seen: readonly Buffer[], sent: readonly Buffer[], where: string): number {
  const places: number[] = [];
  for (const [index, picture] of seen.entries()) {
    const from = places.at(-1) ?? 0;
    const place = sent.findIndex((one, at) => at >= from && one.equals(picture));
    assert.ok(place >= 0, `picture ${index} ${where} is one of those after the one before`);
    places.push(place);
  }
  return new Set(places).size;
}

/** The compositor's output, by its own capture. */
async function capture(display: string): Promise<Buffer> {
  using heap = openHeap('system', { backends: ['embedded'], contiguous: true });
  const captured = await captureScreen(heap, { display });
  const [buffer] = captured.buffers;
  try {
    assert.deepEqual([captured.width, captured.height], [SIZE.width, SIZE.height]);
    return captured.accessSync('read', ([plane]) => pictures(plane?.bytes ?? new Uint8Array(0))[0] as Buffer);
  } finally {
    buffer?.close();
  }
}

/** The inodes of the memfds that a process has open, by their names: none where it has ended. */
function openMemfds(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .map((name) => `/proc/${pid}/fd/${name}`)
      .filter((path) => readlinkSync(path).startsWith('/memfd:'))
      .map((path) => statSync(path).ino);
  } catch {
    // What it had listed was closed meanwhile: the next look has more.
    return [];
  }
}

/** The inodes of the memfds of GStreamer that a process has mapped. */
function mappedFrames(pid: number): number[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/ (?<inode>\d+) +\/memfd:gst/gu);
  return [...lines].map(({ groups }) => Number(groups?.['inode']));
}

test('examples/pipeline-in-window.ts shows every pixel, and hands it on', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const [from, to, file] = ['in', 'out', 'frames'].map((name) => join(folder, name)) as [string, string, string];
  const weston = await startWeston(t, SIZE);
  const empty = await capture(weston.display);
  const sender = startPipeline(t, `${SOURCE} ! unixfdsink socket-path=${from} wait-for-connection=true`);
  await sender.listens(from);
  const example = spawn(process.execPath, [EXAMPLE, from, to], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, WAYLAND_DISPLAY: weston.display },
  });
  t.after(() => example.kill('SIGKILL'));
  const ended = once(example, 'close');
  await until(() => isListening(to));
  const receiver = runPipeline(t, `unixfdsrc socket-path=${to} ! filesink location=${file}`);
  const memory = { sender: new Set<number>(), example: new Set<number>(), weston: new Set<number>() };
  const captured: Buffer[] = [];
  while (example.exitCode === null && example.signalCode === null) {
    captured.push(await capture(weston.display));
    for (const inode of openMemfds(example.pid ?? 0)) memory.example.add(inode);
    for (const inode of openMemfds(sender.pid)) memory.sender.add(inode);
    for (const inode of mappedFrames(weston.pid)) memory.weston.add(inode);
  }
  assert.deepEqual(await ended, [0, null]);
  await receiver;
  const sent = pictures(await runPipeline(t, `${SOURCE} ! fdsink`));
  // There is no window before the first frame, nor after the last.
  const shownCount = countInOrder(captured.filter(isNot(empty)), sent, 'in the window');
  const handedOnCount = countInOrder(pictures(readFileSync(file)), sent, 'handed on');
  assert.ok(shownCount > 1 && handedOnCount > 1, `${shownCount} different ones shown, ${handedOnCount} handed on`);
  t.diagnostic(`${shownCount} different frames captured, ${handedOnCount} handed on, ${memory.sender.size} memfds`);
  assert.ok(memory.weston.size > 0);
  assert.deepEqual(
    [...memory.example, ...memory.weston].filter((inode) => !memory.sender.has(inode)),
    [],
  );
});

const isNot =
  (other: Buffer) =>
  (one: Buffer): boolean =>
    !one.equals(other);
