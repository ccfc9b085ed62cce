import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';
import { COMMAND_NAMES } from './command-names.ts';

const PACKAGE_FILE = new URL('../../../package.json', import.meta.url);

/** A failure is one line on stderr, and nothing on stdout. */
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
  for (const command of COMMAND_NAMES) assert.match(stdout, new RegExp(`^  ${command} `, 'mu'));
});

test('dmabuf COMMAND --help names its options, with any other arguments, in 80 columns', () => {
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
  assertRefused(['vmpa'], 2, /"vmpa" as it is no command: did you mean vmap\? See "dmabuf --help"$/mu);
  assertRefused(['xyzzy'], 2, /"xyzzy" as it is no command: its commands are vmap, heaps/u);
  assertRefused(['--verbose'], 2, /"dmabuf --help"/u);
});

test('dmabuf refuses options and arguments that do not exist, and names the help', () => {
  assertRefused(['vmap', '--sise=1'], 2, /--sise.*"dmabuf vmap --help"/u);
  assertRefused(['vmap', '--mix'], 2, /--mix.*"dmabuf vmap --help"/u);
  assertRefused(['vmap', '1MiB', '2MiB'], 2, /"2MiB".*"dmabuf vmap --help"/u);
  assertRefused(['heaps', 'system'], 2, /"system".*"dmabuf heaps --help"/u);
});

test('dmabuf vmap refuses invalid sizes and mixes', () => {
  assertRefused(['vmap', 'big'], 2, /"big"/u);
  assertRefused(['vmap', '0'], 2, /from one byte to less than [\d.]+ TiB/u);
  assertRefused(['vmap', '9007199254740991'], 2, /from one byte to less than [\d.]+ TiB/u);
  assertRefused(['vmap', '64MB'], 2, /"64MB" has two meanings: write 64MiB .* or 64000000 /u);
  assertRefused(['vmap', '-5'], 2, /"dmabuf vmap --help"/u);
  assertRefused(['vmap', '1MiB', '--mix', 'F'], 2, /one of huge, fresh, aged, fragmented, single-pages/u);
});

test('dmabuf vmap and layout fail for a heap that is not there, and refuse a name that no heap can have', () => {
  for (const args of [
    ['vmap', '1MiB'],
    ['layout', 'new:1MiB'],
  ]) {
    assertRefused([...args, '--heap', 'none-of-this-name'], 1, /Cannot open heap "none-of-this-name"/u);
    assertRefused([...args, '--heap', '../null'], 2, /"\.\.\/null" as a heap.*"dmabuf heaps"/u);
  }
});

test('dmabuf vmap fails for more memory than there is, in one line also with --json', () => {
  assertRefused(['vmap', '4TiB', '--json'], 1, /Cannot allocate 4 TiB as .+ leaves room for .+: take a smaller size/u);
});

test('dmabuf ends quietly when its output is not read to the end', () => {
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
