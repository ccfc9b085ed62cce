/** A command never ends in a stack trace, and its status tells the kind of failure. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';
import { cannotBeNobody, NOBODY } from '../support/processes/other-user.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder, writeFiles } from '../support/runner/temporary-folder.ts';

const STACK = /\n\s+at /u;

/** A copy of the package, to be broken. */
function copyOfPackage(t: TestContext): { root: string; main: string } {
  const root = temporaryFolder(t);
  for (const path of ['package.json', 'native', 'dist/src'])
    cpSync(join(repositoryRoot, path), join(root, path), { recursive: true });
  return { root, main: join(root, 'dist/src/cli/main.js') };
}

function run(main: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ReturnType<typeof runCli> {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], options);
  return { status, stdout, stderr };
}

test('without the addon for this processor every command that needs it ends in a line', (t) => {
  const { root, main } = copyOfPackage(t);
  rmSync(join(root, 'native'), { recursive: true });
  for (const args of [
    ['vmap', '1MiB'],
    ['layout', 'new:1MiB'],
  ]) {
    const { status, stdout, stderr } = run(main, args);
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(stderr, /^dmabuf: [^\n]*Cannot load the addon[^\n]+\n$/u);
  }
  assert.equal(run(main, ['--help']).status, 0);
});

test('a bug is one line and status 70, and NODE_DEBUG=dmabuf shows where it is', (t) => {
  const { root, main } = copyOfPackage(t);
  const broken = join(root, 'dist/src/cli/heaps.js');
  for (const [statement, message] of [
    ["throw new TypeError('x is\\nnot a function')", 'TypeError: x is not a function'],
    ["throw 'text'", 'text'],
    ["setTimeout(() => { throw new RangeError('later'); }, 0); return new Promise(() => {})", 'RangeError: later'],
    [
      "void Promise.reject(new Error('unseen')); return new Promise((resolve) => setTimeout(resolve, 5000))",
      'Error: unseen',
    ],
  ] as const) {
    writeFileSync(
      broken,
      `export const heapsCommand = { name: 'heaps', description: {}, run: () => { ${statement}; } };`,
    );
    const { status, stdout, stderr } = run(main, ['heaps']);
    assert.deepEqual([status, stdout], [70, ''], statement);
    assert.equal(
      stderr,
      `dmabuf: This is a bug, please report it with what NODE_DEBUG=dmabuf adds to it: ${message}\n`,
    );
    const debugged = run(main, ['heaps'], { NODE_DEBUG: 'dmabuf' });
    assert.equal(debugged.status, 70);
    assert.match(debugged.stderr, /This is a bug, please report it with what follows: /u);
    assert.equal(STACK.test(debugged.stderr), message !== 'text');
  }
});

test('Ctrl-C ends a command as a signal does, with no stack', async (t) => {
  const { root, main } = copyOfPackage(t);
  writeFileSync(
    join(root, 'dist/src/cli/heaps.js'),
    "export const heapsCommand = { name: 'heaps', description: {}, run: () => { console.log('begun'); return new Promise((resolve) => setTimeout(resolve, 60_000)); } };",
  );
  const child = spawn(process.execPath, [main, 'heaps'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'close'), [null, 'SIGINT']);
  assert.equal(errors, '');
});

test('a failure stays a failure when the output is not read', () => {
  const shell = `{ '${process.execPath}' '${CLI_PATH}' vmap nonsense 2>&1 >/dev/null; echo "status $?" >&2; } | true`;
  assert.equal(spawnSync('sh', ['-c', shell], { encoding: 'utf8' }).stderr, 'status 2\n');
});

test('a descriptor that a process does not have is reported as missing to every user', () => {
  for (const target of [`${process.pid}:99999`, '1:99999']) {
    for (const { status, stdout, stderr } of [runCli('layout', target), ...asNobody('layout', target)]) {
      assert.deepEqual([status, stdout], [1, ''], stderr);
      assert.match(stderr, /as it has no such descriptor: [^\n]+\n$/u);
      assert.doesNotMatch(stderr, /root/u);
    }
  }
});

/** Where this process may change its user: the command's output for that user. */
function asNobody(...args: readonly string[]): ReturnType<typeof runCli>[] {
  if (process.geteuid?.() !== 0 || cannotBeNobody() !== false) return [];
  const options = { uid: NOBODY, gid: NOBODY, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI_PATH, ...args], options);
  return [{ status, stdout, stderr }];
}

test(
  'refused files are reported with the reason, and root is not told to become root',
  { skip: cannotBeNobody() },
  (t) => {
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o755);
    writeFiles(folder, { 'list.json': '{}' });
    const closed = join(folder, 'list.json');
    chmodSync(closed, 0o600);
    const absent = join(folder, 'absent');
    for (const [args, reason] of [
      [['--diff', absent], 'there is no such file'],
      [['--bpf', absent], 'there is no such file'],
      [['--bufinfo', absent], 'there is no such file'],
      [['--bufinfo', folder], 'it is a folder: name a file in it'],
      [['--save', folder], 'it is a folder: name a file in it'],
      [['--save', join(absent, 'x')], 'the folder that it is to be in does not exist'],
      [['--save', join(closed, 'x')], 'a part of its path is no folder'],
      [['--save', '/dev/full'], 'its disk is full: free some of it, or name a file elsewhere'],
    ] as const) {
      const { status, stderr } = runCli('ls', ...args);
      assert.equal(status, 1, stderr);
      assert.match(stderr, new RegExp(`^dmabuf: Cannot (?:read|write) \\S+ as ${reason}\\n$`, 'u'));
    }
    for (const { status, stderr } of asNobody('ls', '--diff', closed)) {
      assert.equal(status, 1);
      assert.match(stderr, /as user \S+ may not read it.*run this as its owner or as root\n$/u);
    }
  },
);
