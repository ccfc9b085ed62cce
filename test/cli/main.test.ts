import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { CLI_PATH, runCli } from '../support/run-cli.ts';

const PACKAGE_FILE = new URL('../../../package.json', import.meta.url);

/** A failure says so in one line on stderr, and nothing on stdout. */
function assertRefused(args: readonly string[], status: number, message: RegExp): void {
  const result = runCli(...args);
  assert.equal(result.status, status, `dmabuf ${args.join(' ')} ended with ${result.status}: ${result.stderr}`);
  assert.equal(result.stdout, '');
  assert.match(result.stderr, message);
  assert.match(result.stderr, /^dmabuf: [^\n]+\n$/u);
}

test('dmabuf --help names every command', () => {
  const { status, stdout, stderr } = runCli('--help');
  assert.equal(status, 0);
  assert.equal(stderr, '');
  assert.match(stdout, /dmabuf vmap/u);
  assert.match(stdout, /dmabuf heaps/u);
});

test('dmabuf COMMAND --help names its options, whatever else is given, in 80 columns', () => {
  for (const [args, options] of [
    [
      ['vmap', '--help'],
      ['--mix', '--heap', '--json', '--help'],
    ],
    [['vmap', 'nonsense', '-h'], ['SIZE']],
    [
      ['heaps', '--help'],
      ['--json', '--help'],
    ],
  ] as const) {
    const { status, stdout, stderr } = runCli(...args);
    assert.equal(status, 0);
    assert.equal(stderr, '');
    for (const option of options) assert.ok(stdout.includes(option));
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
    );
  }
});

test('dmabuf --version prints the version of the package', () => {
  const { version } = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { version: string };
  assert.deepEqual(runCli('--version'), { status: 0, stdout: `dmabuf ${version}\n`, stderr: '' });
});

test('dmabuf without a command, or with an unknown one, is wrong usage', () => {
  assertRefused([], 2, /"dmabuf --help"/u);
  assertRefused(['vmpa'], 2, /"vmpa" as it is no command: its commands are vmap, heaps/u);
  assertRefused(['--verbose'], 2, /"dmabuf --help"/u);
});

test('dmabuf refuses options and arguments that are none, and names the help that tells', () => {
  assertRefused(['vmap', '--sise=1'], 2, /--sise.*"dmabuf vmap --help"/u);
  assertRefused(['vmap', '--mix'], 2, /--mix.*"dmabuf vmap --help"/u);
  assertRefused(['vmap', '1MiB', '2MiB'], 2, /"2MiB".*"dmabuf vmap --help"/u);
  assertRefused(['heaps', 'system'], 2, /"system".*"dmabuf heaps --help"/u);
});

test('dmabuf vmap refuses sizes and mixes that are none', () => {
  assertRefused(['vmap', 'big'], 2, /"big"/u);
  assertRefused(['vmap', '0'], 2, /at least one byte/u);
  assertRefused(['vmap', '-5'], 2, /"dmabuf vmap --help"/u);
  assertRefused(['vmap', '1MiB', '--mix', 'F'], 2, /one of A, B, C, D, E/u);
});

test('dmabuf vmap fails for a heap that it cannot open, and names the command that lists them', () => {
  assertRefused(['vmap', '1MiB', '--heap', 'linux,cma'], 1, /"linux,cma".*"dmabuf heaps"/u);
  assert.equal(runCli('vmap', '1MiB', '--heap', 'system', '--json').status, 0);
});

test('dmabuf vmap fails for more memory than there is, in one line also with --json', () => {
  assertRefused(['vmap', '4TiB', '--json'], 1, /Cannot allocate 4 TiB as .+ leaves room for .+: take a smaller size/u);
});

test('dmabuf ends quietly when nobody reads on', () => {
  const shell = `{ '${process.execPath}' '${CLI_PATH}' vmap 4MiB; echo "status $?" >&2; } | true`;
  const { stderr } = spawnSync('sh', ['-c', shell], { encoding: 'utf8' });
  assert.equal(stderr, 'status 0\n');
});

test('dmabuf fails when its output cannot be written', () => {
  const { status, stderr } = spawnSync('sh', ['-c', `'${process.execPath}' '${CLI_PATH}' heaps > /dev/full`], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /^dmabuf: ENOSPC[^\n]*\n$/u);
});
