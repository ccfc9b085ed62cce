import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { runCli } from '../support/processes/run-cli.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder, writeFiles } from '../support/runner/temporary-folder.ts';
import { COMMAND_NAMES } from './command-names.ts';

test('dmabuf help COMMAND and dmabuf COMMAND --help are the same', () => {
  for (const command of COMMAND_NAMES) {
    const help = runCli('help', command);
    assert.deepEqual(help, runCli(command, '--help'));
    assert.equal(help.status, 0);
    assert.ok(help.stdout.startsWith(`Usage: dmabuf ${command}`), command);
    assert.match(help.stdout, /; 2\s+when\s+it\s+was\s+used\s+wrongly\.\n$/u);
  }
  assert.deepEqual(runCli('help'), runCli('--help'));
});

test('dmabuf answers a mistyped word with the likely one', () => {
  for (const [args, meant] of [
    [['lay'], 'layout'],
    [['dcotor'], 'doctor'],
    [['help', 'heap'], 'heaps'],
    [['vmap', '--jsn'], '--json'],
    [['vmap', '-json'], '--json'],
    [['ls', '--buf', 'x'], '--bufinfo'],
    [['ls', '--by', 'proces'], 'process'],
    [['vmap', '--mix', 'agde'], 'aged'],
  ] as const) {
    const { status, stdout, stderr } = runCli(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, new RegExp(`: did you mean ${meant}\\? See "dmabuf [a-z -]+"\\n$`, 'u'));
  }
});

test('dmabuf takes a value after "=" or after a blank, and no other word', () => {
  assert.equal(runCli('layout', 'new:1MiB', '--heap=system').status, 0);
  assert.match(
    runCli('vmap', '--mix', '--json').stderr,
    /its MIX is missing: where "--json" is meant, write --mix=--json/u,
  );
  assert.match(runCli('vmap', '--json=1').stderr, /--json=1 as --json takes no value/u);
});

/** The page as it is built into the package. */
const PAGE = join(repositoryRoot, 'dist/man/dmabuf.1');

function cannotRun(program: string): string | false {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0 && `${program} is not installed`;
}

test('dmabuf help --man is the manual page that the package has, and names every command and option', () => {
  const { status, stdout } = runCli('help', '--man');
  assert.equal(status, 0);
  assert.equal(stdout, readFileSync(PAGE, 'utf8'));
  const { man } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { man: string };
  assert.equal(join(repositoryRoot, man), PAGE);
  const text = stdout.replaceAll(String.raw`\-`, '-');
  for (const command of COMMAND_NAMES) {
    assert.ok(text.includes(`\n.SS "dmabuf ${command}`), command);
    const options = runCli('help', command).stdout.match(/^ {2}--[a-z]+/gmu) ?? [];
    assert.ok(options.length > 0, command);
    for (const option of options) assert.ok(text.includes(`\n.B ${option.trim()}`), option);
  }
});

test(
  'the manual page has nothing that mandoc warns of, but for the date that it leaves out',
  { skip: cannotRun('mandoc') },
  () => {
    const { stdout, stderr } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', PAGE], { encoding: 'utf8' });
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !line.includes('missing date'));
    assert.deepEqual(lines, []);
  },
);

test(
  'the manual page has nothing that groff warns of, and reads as the help does',
  { skip: cannotRun('groff') },
  () => {
    const options = { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } } as const;
    const { stdout, stderr } = spawnSync('groff', ['-man', '-Tascii', '-ww', '-P-cbou', PAGE], options);
    assert.equal(stderr, '');
    const text = stdout.replaceAll(/\s+/gu, ' ');
    assert.ok(text.includes('dmabuf layout FD|PID:FD|new:SIZE [--heap NAME] [--all] [--json]'));
    assert.ok(text.includes('COLUMNS how wide text may be'));
  },
);

test('man finds the page by the name of the command', { skip: cannotRun('man') }, (t) => {
  const folder = temporaryFolder(t);
  writeFiles(folder, { 'man1/dmabuf.1': readFileSync(PAGE, 'utf8') });
  const env = { ...process.env, MANPATH: folder, LC_ALL: 'C', MANPAGER: 'cat', MAN_KEEP_FORMATTING: '' };
  const { status, stdout } = spawnSync('man', ['dmabuf'], { encoding: 'utf8', env });
  assert.equal(status, 0);
  assert.match(stdout, /^DMABUF\(1\)/mu);
});
