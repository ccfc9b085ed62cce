/**
 * The first operations of a user of the package, one step per process: `RUNTIME first-steps.js
 * STEP`. Each writes one line, which first-steps-tests.ts knows.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, execPath, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, workerData } from 'node:worker_threads';

import { KiB, openHandle, openHeap } from '../../src/index.ts';
import type { BufferHandle, DmaBuf } from '../../src/index.ts';
import { connect, connectionForChild, listen, takeInheritedConnection } from '../../src/share/index.ts';
import type { BufferConnection } from '../../src/share/index.ts';

const PROGRAM = fileURLToPath(import.meta.url);
const LENGTH = 64 * KiB;

async function withBuffer(use: (buffer: DmaBuf) => Promise<string> | string, shareable = false): Promise<string> {
  const heap = openHeap('system', { backends: ['embedded'] });
  const buffer = heap.allocate(LENGTH, { name: 'first', shareable });
  try {
    return await use(buffer);
  } finally {
    buffer.close();
    heap.close();
  }
}

async function view(): Promise<string> {
  return await withBuffer((buffer) => {
    const mapped = buffer.vmap();
    mapped.bytes.fill(7);
    mapped.bytes[LENGTH - 1] = 9;
    const read = [mapped.bytes.length, mapped.bytes[0], mapped.bytes[LENGTH - 1]];
    mapped.close();
    return read.join(' ');
  });
}

async function access(): Promise<string> {
  return await withBuffer(async (buffer) => {
    await buffer.access('write', (bytes) => bytes.fill(5));
    const awaited = await buffer.access('read', (bytes) => bytes[LENGTH - 1]);
    return `${awaited} ${buffer.accessSync('read', (bytes) => bytes[0])}`;
  });
}

/** The near end: sends a buffer, and says what the far end found in it and left in it. */
async function exchange(connection: BufferConnection): Promise<string> {
  return await withBuffer(async (buffer) => {
    await buffer.access('write', (bytes) => bytes.fill(1));
    await connection.send({ message: 'a frame', buffers: [buffer] });
    const answer = await connection.receive();
    const left = await buffer.access('read', (bytes) => bytes[LENGTH - 1]);
    connection.close();
    return `${answer?.text}, left ${left}`;
  }, true);
}

async function answer(connection: BufferConnection): Promise<void> {
  for await (const received of connection) {
    for (const buffer of received.buffers) {
      const found = await buffer.access('read', (bytes) => bytes[LENGTH - 1]);
      await buffer.access('write', (bytes) => bytes.fill(2));
      await connection.send({ message: `${received.text}: found ${found}` });
    }
    received.close();
  }
  connection.close();
}

async function socket(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-test-'));
  const path = join(folder, 'socket');
  const listener = await listen(path);
  try {
    spawn(execPath, [PROGRAM, 'answer-at', path], { stdio: ['ignore', 'inherit', 'inherit'] });
    return await exchange(await listener.accept());
  } finally {
    listener.close();
    rmSync(folder, { recursive: true });
  }
}

async function inherit(): Promise<string> {
  const inherited = connectionForChild();
  const env = { ...process.env, ...inherited.env };
  spawn(execPath, [PROGRAM, 'answer-inherited'], { stdio: inherited.stdio, env });
  inherited.close();
  return await exchange(inherited.connection);
}

async function worker(): Promise<string> {
  return await withBuffer(async (buffer) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: buffer.toHandle() });
    const code = await new Promise((resolve, reject) => {
      thread.on('exit', resolve);
      thread.on('error', reject);
    });
    return `exit ${String(code)}, left ${await buffer.access('read', (bytes) => bytes[LENGTH - 1])}`;
  });
}

function writeInWorker(): void {
  const buffer = openHandle(workerData as BufferHandle);
  const mapped = buffer.vmap();
  mapped.bytes.fill(3);
  mapped.close();
  buffer.close();
}

/** Nothing comes, and the wait is aborted. */
async function abort(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-test-'));
  const listener = await listen(join(folder, 'socket'));
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('long enough')), 50);
  try {
    await listener.accept({ signal: controller.signal });
    return 'someone came';
  } catch (error) {
    return `given up: ${(error as Error).message}`;
  } finally {
    listener.close();
    rmSync(folder, { recursive: true });
  }
}

const steps: Readonly<Record<string, () => Promise<string>>> = {
  view,
  access,
  socket,
  inherit,
  worker,
  abort,
};

const [step = '', path = ''] = argv.slice(2);
if (!isMainThread) writeInWorker();
else if (step === 'answer-at') await answer(await connect(path));
else if (step === 'answer-inherited') await answer(takeInheritedConnection());
else stdout.write(`${await steps[step]?.()}\n`);
