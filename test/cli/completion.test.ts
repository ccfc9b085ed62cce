/**
 * The completions, in their shells: the test presses keys, and checks what the shell then calls.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { runCli } from '../support/processes/run-cli.ts';
import { temporaryFolder, writeFiles } from '../support/runner/temporary-folder.ts';

/** Why a shell is not available. */
function cannotTry(shell: string): string | false {
  const missing = [shell, 'script'].find((program) => spawnSync(program, ['--version']).error !== undefined);
  return missing === undefined ? false : `${missing} is not installed`;
}

/** The `dmabuf` of the shells in these tests: it prints its arguments. */
const DMABUF = `dmabuf() { printf '<%s>' "$@"; printf '\\n'; }`;

/** Keys that were pressed, and the words that the command got. A tab is the key that completes. */
const KEYS: readonly (readonly [keys: string, words: string])[] = [
  ['dmabuf vm\t16MiB --mi\tag\t --js\t', '<vmap><16MiB><--mix><aged><--json>'],
  ['dmabuf lay\tn\t8MiB --al\t', '<layout><new:8MiB><--all>'],
  ['dmabuf ls --save /etc/hostn\t', '<ls><--save></etc/hostname>'],
  ['dmabuf ls --by=pr\t', '<ls><--by=process>'],
  ['dmabuf vmap --heap sys\t', '<vmap><--heap><system>'],
  ['dmabuf vmap --backend ud\t', '<vmap><--backend><udmabuf>'],
  ['dmabuf ls --watch --cou\t3', '<ls><--watch><--count><3>'],
  ['dmabuf compl\tfi\t', '<completion><fish>'],
  ['dmabuf help doc\t', '<help><doctor>'],
  ['dmabuf doctor --st\t', '<doctor><--strict>'],
  ['dmabuf --ver\t', '<--version>'],
];

/** What a shell in a terminal of its own called `dmabuf` with. */
function press(command: string, env: NodeJS.ProcessEnv): string[] {
  const input = [...KEYS.map(([keys]) => keys), 'exit', ''].join('\n');
  const options = { input, encoding: 'utf8', env: { ...process.env, TERM: 'xterm', ...env } } as const;
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], options);
  return stdout.split(/\r?\n/u).flatMap((line) => /(?:^|\r)(?<words><.*>)\s*$/u.exec(line)?.groups?.['words'] ?? []);
}

/** Zsh puts a value behind "=": the same words. */
function assertCompleted(called: readonly string[]): void {
  assert.deepEqual(
    called.map((words) => words.replaceAll(/<(--(?:mix|heap|backend|save|count))=/gu, '<$1><')),
    KEYS.map(([, words]) => words),
  );
}

function completionOf(shell: string): string {
  const { status, stdout, stderr } = runCli('completion', shell);
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
}

test('dmabuf completion bash completes in Bash', { skip: cannotTry('bash') }, (t) => {
  const folder = temporaryFolder(t);
  writeFiles(folder, { completion: completionOf('bash'), rc: `PS1='$ '\n${DMABUF}\nsource '${folder}/completion'\n` });
  assertCompleted(press(`bash --noprofile --rcfile '${folder}/rc' -i`, {}));
});

function tryInZsh(t: TestContext, load: (folder: string) => string): void {
  const folder = temporaryFolder(t);
  writeFiles(folder, {
    'functions/_dmabuf': completionOf('zsh'),
    '.zshrc': `PS1='$ '\nautoload -U compinit\n${load(join(folder, 'functions'))}\n${DMABUF}\n`,
  });
  assertCompleted(press('zsh -i', { ZDOTDIR: folder }));
}

test('dmabuf completion zsh completes in Zsh, from a folder of its fpath', { skip: cannotTry('zsh') }, (t) => {
  tryInZsh(t, (folder) => `fpath=('${folder}' $fpath)\ncompinit -u -D`);
});

test('dmabuf completion zsh completes in Zsh, sourced', { skip: cannotTry('zsh') }, (t) => {
  tryInZsh(t, (folder) => `compinit -u -D\nsource '${folder}/_dmabuf'`);
});

test('dmabuf completion fish completes in fish', { skip: cannotTry('fish') }, (t) => {
  const folder = temporaryFolder(t);
  writeFiles(folder, { 'dmabuf.fish': completionOf('fish') });
  const complete = (line: string): string[] => {
    const script = `source '${folder}/dmabuf.fish'; complete -C '${line}'`;
    const env = { ...process.env, HOME: folder };
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8', env });
    assert.equal(stderr, '');
    return stdout.split('\n').flatMap((word) => word.split('\t')[0] || []);
  };
  assert.deepEqual(complete('dmabuf h'), ['heaps', 'help']);
  assert.deepEqual(complete('dmabuf vmap --mi'), ['--mix']);
  assert.deepEqual(complete('dmabuf vmap --mix f'), ['fragmented', 'fresh']);
  assert.deepEqual(complete('dmabuf vmap --mix=ag'), ['--mix=aged']);
  assert.deepEqual(complete('dmabuf vmap --heap sys'), ['system']);
  assert.deepEqual(complete('dmabuf ls --by p'), ['process']);
  assert.deepEqual(complete('dmabuf ls --save /etc/hostn'), ['/etc/hostname']);
  assert.deepEqual(complete('dmabuf layout n'), ['new:']);
  assert.deepEqual(complete('dmabuf help do'), ['doctor']);
  assert.deepEqual(complete('dmabuf completion z'), ['zsh']);
  assert.deepEqual(complete('dmabuf --v'), ['--version']);
});

test('dmabuf completion refuses other shells', () => {
  const { status, stdout, stderr } = runCli('completion', 'fsh');
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /must be one of bash, zsh, fish: did you mean fish\?/u);
  assert.equal(runCli('completion').status, 2);
});
