/** The interpretation of the words after `npm start`. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { runCli } from '../support/processes/run-cli.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';

const { commandWords } = (await import(pathToFileURL(join(repositoryRoot, 'tools/command-words.mjs')).href)) as {
  commandWords: (words: readonly string[]) => string[];
};

test('commandWords() takes words without a command for those of vmap', () => {
  assert.deepEqual(commandWords([]), ['vmap']);
  assert.deepEqual(commandWords(['64MiB', '--mix', 'fragmented']), ['vmap', '64MiB', '--mix', 'fragmented']);
  assert.deepEqual(commandWords(['--json']), ['vmap', '--json']);
});

test('commandWords() leaves every command, and what asks about the program, as it is', () => {
  const help = runCli('--help').stdout;
  const commands = [...help.matchAll(/^ {2}(?<name>[a-z]+) {2}/gmu)].map(({ groups }) => groups?.['name'] ?? '');
  assert.ok(commands.includes('vmap') && commands.includes('heaps'), help);
  for (const first of [...commands, '--help', '-h', '--version']) {
    assert.deepEqual(commandWords([first, '--json']), [first, '--json']);
  }
});

test('commandWords() makes a size and a mix alone a line that the command takes', () => {
  const { status, stdout } = runCli(...commandWords(['1MiB', '--mix', 'fragmented', '--json']));
  assert.equal(status, 0);
  assert.match(stdout, /"mix":"fragmented"/u);
});
