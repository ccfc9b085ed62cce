/** Terminals that are narrow, or have no more than ASCII. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { COMMAND_NAMES } from './command-names.ts';

const REPORTS: readonly (readonly string[])[] = [
  ['--help'],
  ...COMMAND_NAMES.map((command) => ['help', command]),
  ['vmap', '4MiB', '--mix', 'aged'],
  ['layout', 'new:5MiB'],
  ['heaps'],
  ['doctor'],
  ['ls'],
];

function runWith(env: NodeJS.ProcessEnv, args: readonly string[]): { stdout: string; stderr: string } {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { stdout, stderr } = spawnSync(process.execPath, [CLI_PATH, ...args], options);
  return { stdout, stderr };
}

/** Lines that could have been wrapped: commands are for copying, and words are never broken. */
function breakableLines(text: string, columns: number): string[] {
  const hasLongWord = (line: string): boolean => /\S{30}/u.test(line);
  const isCopied = (line: string): boolean => /^ +(?:sudo |echo |sysctl |mount |modprobe )/u.test(line);
  return text
    .split('\n')
    .filter((line) => line.length > columns && !isCopied(line) && line.trim().includes(' ') && !hasLongWord(line));
}

test('dmabuf fits 40 columns where COLUMNS says so', () => {
  for (const args of REPORTS) {
    const { stdout } = runWith({ COLUMNS: '40' }, args);
    assert.ok(stdout.length > 0, args.join(' '));
    assert.deepEqual(breakableLines(stdout, 40), [], args.join(' '));
  }
});

test('dmabuf has at least 40 columns and at most 80, for any value of COLUMNS', () => {
  const [usual] = [runCli('help', 'ls').stdout];
  for (const columns of ['200', '80', '0', '-1', 'wide', ''])
    assert.equal(runWith({ COLUMNS: columns }, ['help', 'ls']).stdout, usual);
  const narrow = runWith({ COLUMNS: '40' }, ['help', 'ls']).stdout;
  assert.notEqual(narrow, usual);
  assert.equal(runWith({ COLUMNS: '10' }, ['help', 'ls']).stdout, narrow);
});

test('dmabuf ls --bpf of long names fits 40 columns, a row for itself', (t) => {
  const pin = join(temporaryFolder(t), 'pin');
  writeFileSync(pin, '7\n8388608\ncamera front left\nsystem with a long name\n');
  const { stdout } = runWith({ COLUMNS: '40' }, ['ls', '--bpf', pin]);
  assert.match(
    stdout,
    /^INODE 7 {2}SIZE 8 MiB$\n^ {2}EXPORTER system with a long name$\n^ {2}NAME camera front left$/mu,
  );
});

test('dmabuf prints ASCII where the locale has no UTF-8, and reads the same', () => {
  for (const env of [
    { LC_ALL: 'C' },
    { LC_ALL: '', LC_CTYPE: '', LANG: 'C' },
    { LC_ALL: '', LC_CTYPE: 'POSIX', LANG: 'C.UTF-8' },
    { LC_ALL: 'de_DE.ISO-8859-1' },
  ]) {
    for (const args of [['vmap', '4MiB', '--mix', 'aged'], ['layout', 'new:5MiB'], ['doctor']]) {
      const { stdout } = runWith(env, args);
      assert.match(stdout, /^[\n -~]+$/u, args.join(' '));
    }
  }
  const { stdout } = runWith({ LC_ALL: 'C' }, ['layout', 'new:5MiB']);
  assert.match(stdout, /^ +0 #+$/mu);
  assert.match(stdout, /: \. none {2}- to 1\/4 {2}\+ to 1\/2 {2}% more {2}# all$/mu);
});

test('dmabuf prints pictures where the locale has UTF-8, or none is set', () => {
  for (const env of [
    { LC_ALL: 'C.UTF-8', LANG: 'C' },
    { LC_ALL: '', LC_CTYPE: '', LANG: 'en_US.utf8' },
    { LC_ALL: '', LC_CTYPE: '', LANG: '' },
  ])
    assert.match(runWith(env, ['layout', 'new:5MiB']).stdout, /█.*\n[^]*[\u2801-\u28FF]/u);
});

test('JSON in ASCII says the same', (t) => {
  const pin = join(temporaryFolder(t), 'pin');
  writeFileSync(pin, '7\n8388608\nCaméra → 缓冲 😀\nsystem\n');
  const { stdout } = runWith({ LC_ALL: 'C' }, ['ls', '--json', '--bpf', pin]);
  assert.match(stdout, /^[\n -~]+$/u);
  const { buffers } = JSON.parse(stdout) as { buffers: readonly { name: string }[] };
  assert.equal(buffers[0]?.name, 'Caméra → 缓冲 😀');
  assert.match(
    runWith({ LC_ALL: 'C' }, ['ls', '--bpf', pin]).stdout,
    /Cam\\u00e9ra -> \\u7f13\\u51b2 \\ud83d\\ude00$/mu,
  );
});

test('an error message is ASCII as well', () => {
  assert.match(runWith({ LC_ALL: 'C' }, ['vmap', 'größer']).stderr, /^[\n -~]*"gr\\u00f6\\u00dfer"[\n -~]*$/u);
});
