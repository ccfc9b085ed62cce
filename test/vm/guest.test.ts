/** A command in a guest, as seen by the process that started it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chooseAccelerator } from '../../vm/accelerator.ts';
import { ARCHITECTURES } from '../../vm/architectures.ts';
import { wantedAccelerator } from '../../vm/arguments.ts';
import type { Accelerator } from '../../vm/emulator.ts';
import { missingForGuest } from '../support/runner/guest-tests.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const PROGRAM = fileURLToPath(new URL('../../vm/main.js', import.meta.url));
const MEMORY_MIB = 1024;
const NO_GUEST = 125;
const skip = missingForGuest({ guest: 'x86_64', memoryMiB: MEMORY_MIB }) ?? false;
/** Chosen once: a trial boot would have an emulator of its own. */
const accelerator = await acceleratorHere();

async function acceleratorHere(): Promise<Accelerator> {
  if (skip !== false) return 'tcg';
  const machine = { architecture: ARCHITECTURES.x86_64, cpu: undefined };
  return (await chooseAccelerator(machine, wantedAccelerator())).accelerator;
}

/** Without the first line of stderr, which says what runs the guest. */
async function runInGuest(...words: readonly string[]) {
  const guest = startGuest(words);
  const [stdout, said, [status]] = await Promise.all([text(guest.stdout), text(guest.stderr), once(guest, 'close')]);
  const choice = `vm: ${accelerator.toUpperCase()}, as it was asked for\n`;
  assert.equal(said.slice(0, choice.length), choice);
  return { stdout, stderr: said.slice(choice.length), status: status as number };
}

function startGuest(words: readonly string[]) {
  const programArguments = [PROGRAM, '--memory', `${MEMORY_MIB}M`, '--accel', accelerator, ...words];
  return spawn(process.execPath, programArguments, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The processes that `pid` started. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

test('npm run vm passes on what a command writes, byte by byte, and its exit status', { skip }, async (t) => {
  const file = join(temporaryFolder(t), 'bytes');
  const bytes = String.fromCodePoint(...Array.from({ length: 128 }, (_, index) => index));
  writeFileSync(file, bytes);
  const script = 'cat "$1"; echo "to stderr" >&2; echo "to stderr again" >/dev/stderr; exit 7';
  const result = await runInGuest('--file', `${file}=/etc/bytes`, 'sh', '-c', script, "it's $0", '/etc/bytes');
  assert.deepEqual(result, { stdout: bytes, stderr: 'to stderr\nto stderr again\n', status: 7 });
});

test('npm run vm gives a command what the tests need', { skip }, async () => {
  const script = `
    pwd; hostname; nproc; cat /proc/sys/vm/max_map_count; ls -d /dev/dma_heap/system /dev/udmabuf; ls /sys/class/net
    ls -d /sys/kernel/debug/dma_buf/bufinfo /sys/kernel/tracing/available_tracers
    grep -c -E ' (/dev/shm|/tmp|/sys/fs/cgroup) (tmpfs|cgroup2) ' /proc/mounts
    modprobe vgem && ls /dev/dri; modprobe vivid n_devs=1 node_types=0x1 && ls -d /dev/video0
    node -p process.version; dmabuf --version`;
  const { stdout, stderr, status } = await runInGuest('sh', '-c', script);
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  assert.equal(stderr, '');
  assert.equal(status, 0);
  const expected = `/dmabuf dmabuf-guest 2 65530 /dev/dma_heap/system /dev/udmabuf lo
    /sys/kernel/debug/dma_buf/bufinfo /sys/kernel/tracing/available_tracers 3
    card0 renderD128 /dev/video0 ${process.version} dmabuf ${version}`;
  assert.deepEqual(stdout.trimEnd().split(/\s+/u), expected.split(/\s+/u));
});

test('npm run vm says which signal ended a command', { skip }, async () => {
  const { stderr, status } = await runInGuest('sh', '-c', 'echo "last words" >/dev/kmsg; kill -SEGV $$');
  assert.equal(status, 139);
  assert.match(stderr, /SIGSEGV[^]*last words/u);
});

test('npm run vm shows the last lines of the console when the kernel panics', { skip }, async () => {
  const { stderr, status } = await runInGuest('sh', '-c', 'echo c >/proc/sysrq-trigger');
  assert.equal(status, NO_GUEST);
  assert.match(stderr, /Kernel panic - not syncing: sysrq triggered crash/u);
});

test('npm run vm boots once more when the kernel panics before the command begins', { skip }, async (t) => {
  const init = join(temporaryFolder(t), 'init');
  // Process 1 may not end.
  writeFileSync(init, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const { stderr, status } = await runInGuest('--file', `${init}=/init`, 'true');
  assert.equal(status, NO_GUEST);
  const boots = stderr.split('vm: the kernel panicked before the command began: booting again\n');
  assert.equal(boots.length, 2, stderr);
  assert.match(boots[1] ?? '', /Kernel panic - not syncing/u);
});

test(
  'npm run vm with --cpu qemu64 gives a guest without SIMD in WebAssembly, and says that TCG runs it',
  { skip },
  async () => {
    const module = '0,97,115,109,1,0,0,0,1,5,1,96,0,1,123,3,2,1,0,10,10,1,8,0,65,0,253,15,253,98,11';
    const script = `WebAssembly.validate(new Uint8Array([${module}]))`;
    const words = ['--memory', `${MEMORY_MIB}M`, '--cpu', 'qemu64', 'node', '-p', script];
    const guest = spawn(process.execPath, [PROGRAM, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DMABUF_VM_ACCEL: '' },
    });
    const [stdout, stderr, [status]] = await Promise.all([
      text(guest.stdout),
      text(guest.stderr),
      once(guest, 'close'),
    ]);
    assert.deepEqual([stdout, status], ['false\n', 0]);
    assert.match(stderr, /^vm: TCG, as .*\n$/u);
  },
);

test('npm run vm ends a guest that takes too long', { skip }, async () => {
  const { stderr, status } = await runInGuest('--timeout', '2', 'sleep', '1000');
  assert.equal(status, NO_GUEST);
  assert.match(stderr, /longer than 2 s/u);
});

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGKILL', null],
] as const) {
  test(`npm run vm takes its guest with it when ${signal} ends it`, { skip }, async () => {
    const guest = startGuest(['sleep', '1000']);
    const pid = guest.pid ?? 0;
    while (childrenOf(pid).length === 0) await sleep(20);
    const emulators = childrenOf(pid);
    guest.kill(signal);
    const [exitCode] = (await once(guest, 'exit')) as [number | null];
    assert.equal(exitCode, status);
    while (emulators.some((emulator) => readdirSync('/proc').includes(`${emulator}`))) await sleep(20);
  });
}
