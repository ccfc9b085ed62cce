import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { buildCPeer } from './c-peer.ts';

test('buildCPeer() builds with -O2, records how, and removes the result', (context) => {
  const peer = buildCPeer('sg-to-pages');
  if (!peer.built) return context.skip(peer.reason);
  assert.ok(existsSync(peer.path));
  assert.match(peer.command, /^\S.* -O2 -o \S+ \S+\/bench\/peer\/sg-to-pages\.c$/u);
  assert.match(peer.compiler, /\d+\.\d+/u);
  peer.close();
  peer.close();
  return assert.equal(existsSync(dirname(peer.path)), false);
});

test('buildCPeer() says what to install where there is no compiler', () => {
  const peer = buildCPeer('sg-to-pages', { env: { PATH: '/nonexistent', CC: '/nonexistent/cc' } });
  assert.equal(peer.built, false);
  assert.equal(peer.reason, 'no C compiler answers: $CC, cc, gcc, clang were tried; install gcc or clang');
  peer.close();
});

test("buildCPeer() gives the compiler's errors when it cannot build, and leaves nothing behind", () => {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-compiler-'));
  try {
    const compiler = join(folder, 'compiler');
    writeFileSync(compiler, '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "no C today" >&2\nexit 1\n', {
      mode: 0o755,
    });
    const peer = buildCPeer('sg-to-pages', { env: { ...process.env, TMPDIR: folder, CC: compiler } });
    assert.equal(peer.built, false);
    assert.equal(peer.reason, `${compiler} cannot build sg-to-pages.c: no C today`);
    assert.deepEqual(readdirSync(folder), ['compiler']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('buildCPeer() takes $CC before the others, even of several words', (context) => {
  const peer = buildCPeer('sg-to-pages');
  if (!peer.built) return context.skip(peer.reason);
  peer.close();
  const chosen = buildCPeer('sg-to-pages', { env: { ...process.env, CC: 'env cc' } });
  if (!chosen.built) return context.skip(chosen.reason);
  chosen.close();
  return assert.match(chosen.command, /^env cc -O2 /u);
});

test('buildCPeer() takes a program from $DMABUF_PEERS, and leaves it there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-peers-'));
  try {
    const path = join(folder, 'dma-heap');
    writeFileSync(path, '');
    const env = { PATH: '/nonexistent', DMABUF_PEERS: folder };
    const peer = buildCPeer('dma-heap', { env });
    assert.ok(peer.built);
    assert.deepEqual([peer.path, peer.command], [path, `${path}, built elsewhere`]);
    peer.close();
    assert.ok(existsSync(path));
    assert.equal(buildCPeer('memfd', { env }).built, false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('buildCPeer() names the folder where no file can be made', (context) => {
  const peer = buildCPeer('sg-to-pages', { env: { ...process.env, TMPDIR: '/nonexistent' } });
  assert.equal(peer.built, false);
  if (peer.reason.startsWith('no C compiler')) return context.skip(peer.reason);
  return assert.equal(peer.reason, 'no file can be made in /nonexistent: set TMPDIR to a folder that can be written');
});
