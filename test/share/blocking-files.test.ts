/**
 * Goal: a peer's descriptors whose files block every operation do not stop the event loop. Method:
 * a process in C sends them. Meanwhile a timer of this process measures how long its event loop
 * stood still.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { isDmaBufError } from '../../src/index.ts';
import { OwnedFd } from '../../src/linux/calls/fd.ts';
import { listen } from '../../src/share/index.ts';
import type { BufferListener } from '../../src/share/index.ts';
import { missingCompiler } from '../support/processes/c-compiler.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { exitOf, socketPath } from './peer-process.ts';

/** Far longer than a busy machine keeps a process waiting. */
const BLOCKED_SECONDS = 60;
const compilerMissing = missingCompiler() ?? false;

function fuseMissing(): string | false {
  if (process.getuid?.() !== 0) return 'only root mounts a file system in a namespace of its own';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return compilerMissing;
  } catch {
    return '/dev/fuse cannot be opened';
  }
}

const KINDS = [
  { kind: 'lingering-socket', skip: compilerMissing },
  { kind: 'stalled-file', skip: fuseMissing() },
  { kind: 'busy-epoll', skip: fuseMissing() },
] as const;

function buildPeer(t: TestContext): string {
  const program = join(temporaryFolder(t), 'blocking-peer');
  const source = join(repositoryRoot, 'test', 'share', 'blocking-peer.c');
  const headers = join(repositoryRoot, 'bench', 'peer');
  const built = spawnSync('cc', ['-Wall', '-Wextra', '-Werror', '-I', headers, '-o', program, source], {
    encoding: 'utf8',
  });
  assert.equal(built.status, 0, built.stderr);
  return program;
}

/** How long the event loop stood still at most while `work` ran, in ms. */
async function longestStandstill(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 5);
  await work();
  // A turn more: what blocks may do so at the end of one.
  await setTimeout(10);
  look();
  clearInterval(timer);
  return longest;
}

/** Receives the message of a peer that sends such a descriptor. */
async function refuseFrom(listener: BufferListener): Promise<void> {
  const connection = await listener.accept();
  listener.close();
  try {
    await assert.rejects(connection.receive(), (error) => isDmaBufError(error, 'EINVAL'));
  } finally {
    connection.close();
  }
}

/** Its own processes with it: its end waits for an answer of theirs. */
function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // None of the group is left.
  }
}

/** A process that connects, and sends such a descriptor. */
async function startPeer(t: TestContext, kind: string): Promise<{ child: ChildProcess; listener: BufferListener }> {
  const program = buildPeer(t);
  const path = socketPath(t);
  const listener = await listen(path);
  const args = [path, kind, String(BLOCKED_SECONDS)];
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  t.after(() => endGroup(child));
  return { child, listener };
}

for (const { kind, skip } of KINDS) {
  test(`receive() finds out that a ${kind} is no buffer by questions that do not block`, { skip }, async (t) => {
    const { child, listener } = await startPeer(t, kind);
    const unclosed: OwnedFd[] = [];
    const aside = t.mock.method(OwnedFd.prototype, 'closeAside', function keep(this: OwnedFd): void {
      unclosed.push(this);
    });
    const standstillMs = await longestStandstill(async () => refuseFrom(listener));
    aside.mock.restore();
    assert.ok(unclosed.length > 0);
    assert.ok(standstillMs < (BLOCKED_SECONDS * 1000) / 2, `it stood still for ${standstillMs} ms`);
    // When the process is gone nothing blocks any more.
    endGroup(child);
    await exitOf(child);
    for (const fd of unclosed) fd.closeAside();
  });
}

for (const { kind, skip } of KINDS) {
  test(`receive() closes a ${kind} that it refused while the event loop turns`, { skip }, async (t) => {
    const { listener } = await startPeer(t, kind);
    const standstillMs = await longestStandstill(async () => refuseFrom(listener));
    assert.ok(standstillMs < (BLOCKED_SECONDS * 1000) / 2, `it stood still for ${standstillMs} ms`);
  });
}
