import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { loggedCalls } from './call-log.ts';
import { kernelCalls } from './kernel-calls.ts';
import type { RawCalls } from './kernel-calls.ts';
import { loadNativeBorder } from './native-border.ts';

const INDEX_URL = new URL('../../index.js', import.meta.url).href;

function logOf(use: (calls: RawCalls) => void, answers: Partial<RawCalls>): string[] {
  const lines: string[] = [];
  const log = Object.assign((line: string): void => void lines.push(line), { enabled: true });
  use(loggedCalls({ ...kernelCalls, ...answers }, log));
  return lines;
}

test('loggedCalls() writes each system call with its arguments and its result', () => {
  const lines = logOf(
    (calls) => {
      calls.memfd_create('a "name"', 3);
      calls.ftruncate(12, 2 ** 33);
      calls.ioctl(12, 0xc018_4800, new Uint8Array(24));
      calls.mmap(0x7f00_0000_0000, 4096, 3, 0x11, 12, 8192);
      calls.accept4(12, null, null, 0x800);
    },
    {
      memfd_create: () => 12,
      ftruncate: () => 0,
      ioctl: () => -13,
      mmap: () => 0x7f00_0000_0000,
      accept4: () => -11,
    },
  );
  assert.deepEqual(lines, [
    'memfd_create("a \\"name\\"", 0x3) = 12',
    'ftruncate(12, 8589934592) = 0',
    'ioctl(12, 0xc0184800, [24 bytes]) = -13 EACCES',
    'mmap(0x7f0000000000, 4096, 0x3, 0x11, 12, 8192) = 0x7f0000000000',
    'accept4(12, null, null, 0x800) = -11 EAGAIN',
  ]);
});

test("loggedCalls() returns the call's result, and logs system calls only", () => {
  const lines = logOf(
    (calls) => {
      assert.equal(calls.gettid(), 4711);
      assert.equal(calls.getpagesize(), 4096);
      calls.hold(3);
      calls.release(3);
    },
    { gettid: () => 4711, getpagesize: () => 4096, hold: () => {}, release: () => {} },
  );
  assert.deepEqual(lines, ['gettid() = 4711']);
});

test('loggedCalls() that is off gives the calls themselves', () => {
  const calls = { ...kernelCalls };
  const log = Object.assign((): void => {}, { enabled: false });
  assert.equal(loggedCalls(calls, log), calls);
});

test('kernelCalls has the functions of the addon itself once one was called, without a wrapper', () => {
  const border = loadNativeBorder() as RawCalls;
  kernelCalls.getpagesize();
  for (const name of Object.keys(kernelCalls) as (keyof RawCalls)[]) assert.equal(kernelCalls[name], border[name]);
});

/** What a program that opens a heap writes to stderr. */
function stderrOf(env: NodeJS.ProcessEnv): string {
  const script = `
    import { openHeap } from '${INDEX_URL}';
    const heap = openHeap('system', { backends: ['embedded'] });
    const buffer = heap.allocate(4096);
    buffer.vmap().close();
    buffer.close();
    heap.close();
  `;
  const words = ['--input-type=module', '--eval', script];
  const { status, stderr } = spawnSync(process.execPath, words, { env: { ...process.env, ...env }, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stderr;
}

test('NODE_DEBUG=dmabuf shows the system calls of a program, and nothing without it', () => {
  const lines = stderrOf({ NODE_DEBUG: 'dmabuf' }).trim().split('\n');
  assert.ok(lines.length > 5, lines.join('\n'));
  for (const line of lines) assert.match(line, /^DMABUF \d+: \w+\(.*\)(?: = (?:-?\d+(?: E\w+)?|0x[0-9a-f]+))?$/u);
  assert.ok(
    lines.some((line) => /: memfd_create\("[^"]+", 0x\w+\) = \d+$/u.test(line)),
    lines.join('\n'),
  );
  assert.equal(stderrOf({ NODE_DEBUG: undefined }), '');
});
