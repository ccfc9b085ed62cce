import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { runCli } from '../support/processes/run-cli.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const CLI = join(repositoryRoot, 'dist/src/cli/main.js');

interface RunningLab {
  /** The newest address that it printed. */
  readonly address: () => string;
  /** All that it printed. */
  readonly output: () => string;
  /** Ctrl-C. @returns its exit status, and what it told of errors */
  readonly end: () => Promise<[status: number | null, errors: string]>;
}

async function startLab(
  t: TestContext,
  args: readonly string[],
  folder = '',
  path = process.env['PATH'],
): Promise<RunningLab> {
  const child = spawn(process.execPath, [CLI, 'lab', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_RUNTIME_DIR: folder, PATH: path },
  });
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (printed += part));
  const errors = text(child.stderr);
  const ended = once(child, 'close');
  while (!/#token=[\w-]{43}\n/u.test(printed)) {
    await Promise.race([once(child.stdout, 'data'), ended.then(async () => assert.fail(`It ended: ${await errors}`))]);
  }
  return {
    address: () => printed.match(/http\S+/gu)?.at(-1) ?? '',
    output: () => printed,
    end: async () => {
      child.kill('SIGINT');
      const [status] = (await ended) as [number | null];
      return [status, await errors];
    },
  };
}

async function spend(address: string): Promise<Response> {
  const { origin, hash } = new URL(address);
  const body = JSON.stringify({ token: hash.replace('#token=', '') });
  return await fetch(`${origin}/api/session`, { method: 'POST', body });
}

test('dmabuf lab prints an address that lets one browser in, and another after that', async (t) => {
  const lab = await startLab(t, ['--port', '0', '--capacity', '64MiB']);
  const first = lab.address();
  assert.match(first, /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/u);
  assert.equal((await spend(first)).status, 200);
  await until(() => lab.address() !== first);
  const second = lab.address();
  assert.equal((await spend(first)).status, 401);
  assert.equal((await spend(second)).status, 200);
  assert.deepEqual(await lab.end(), [0, '']);
  assert.match(lab.output(), /^The lab is served on this machine alone\./u);
});

test('dmabuf lab on a taken port says so, with the remedy', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, [CLI, 'lab', '--port', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors = text(child.stderr);
  const [status] = (await once(child, 'close')) as [number];
  assert.equal(status, 1);
  assert.equal(
    (await errors).replaceAll(/\s+/gu, ' ').trim(),
    `dmabuf: Cannot listen on port ${port} as it is taken: give another with --port, or 0 for any`,
  );
});

test('dmabuf lab refuses ports and capacities that there are not', () => {
  for (const port of ['65536', '-1', 'http', '1.5', '']) {
    const { status, stderr } = runCli('lab', `--port=${port}`);
    assert.equal(status, 2, port);
    assert.match(stderr, /--port/u);
  }
  assert.equal(runCli('lab', '--capacity', 'much').status, 2);
  assert.equal(runCli('lab', 'heap').status, 2);
});

test('a lab that is started again on its port keeps its key, in a file of the user alone', async (t) => {
  const folder = temporaryFolder(t);
  const first = await startLab(t, ['--port', '0', '--capacity', '64MiB'], folder);
  const { port } = new URL(first.address());
  await first.end();
  // Any port is another each time: nothing was kept.
  assert.deepEqual(readdirSync(folder), []);
  const keys: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    const lab = await startLab(t, ['--port', port, '--capacity', '64MiB'], folder);
    keys.push(((await (await spend(lab.address())).json()) as { readonly key: string }).key);
    await lab.end();
  }
  assert.equal(keys[0], keys[1]);
  const [name = ''] = readdirSync(folder);
  const path = join(folder, name);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(readFileSync(path, 'utf8'), keys[0]);
  // One that others may read, or that is no key, is not used, and another takes its place.
  const makePipe = (): void => {
    rmSync(path);
    assert.equal(spawnSync('mkfifo', [path]).status, 0);
  };
  for (const spoil of [() => chmodSync(path, 0o644), () => writeFileSync(path, 'short'), makePipe]) {
    const before = readFileSync(path, 'utf8');
    spoil();
    const lab = await startLab(t, ['--port', port, '--capacity', '64MiB'], folder);
    const { key } = (await (await spend(lab.address())).json()) as { readonly key: string };
    await lab.end();
    assert.notEqual(key, before);
    assert.equal(readFileSync(path, 'utf8'), key);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  }
  assert.deepEqual(readdirSync(folder), [name]);
});

test('dmabuf lab --open tells the address to the browser in a file of the user alone, until it was used', async (t) => {
  const [programs, folder] = [temporaryFolder(t), temporaryFolder(t)];
  const seen = join(programs, 'seen');
  writeFileSync(join(programs, 'xdg-open'), `#!/bin/sh\necho "$@" >'${seen}.new'\nmv '${seen}.new' '${seen}'\n`, {
    mode: 0o755,
  });
  const path = `${programs}:${process.env['PATH'] ?? ''}`;
  const args = ['--port', '0', '--capacity', '64MiB', '--open'];
  const lab = await startLab(t, args, folder, path);
  await until(() => existsSync(seen));
  const file = readFileSync(seen, 'utf8').trim();
  assert.match(file, /\/dmabuf-lab-\w+\/open\.html$/u);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700);
  const address = lab.address();
  assert.ok(readFileSync(file, 'utf8').includes(`content="0;url=${address}"`));
  assert.equal((await spend(address)).status, 200);
  await until(() => !existsSync(file));
  await lab.end();
  // One that is not used goes with the lab.
  rmSync(seen);
  const other = await startLab(t, args, folder, path);
  await until(() => existsSync(seen));
  assert.deepEqual(await other.end(), [0, '']);
  assert.deepEqual(readdirSync(folder), []);
});

test('dmabuf lab --open without a browser says so, and serves', async (t) => {
  const nowhere = join(temporaryFolder(t), 'nowhere');
  for (const folder of [nowhere, temporaryFolder(t)]) {
    const lab = await startLab(t, ['--port', '0', '--capacity', '64MiB', '--open'], folder, nowhere);
    assert.equal((await spend(lab.address())).status, 200);
    const [status, errors] = await lab.end();
    assert.equal(status, 0);
    assert.match(
      errors.replaceAll(/\s+/gu, ' '),
      /Cannot start a browser with xdg-open .+: open the address yourself/u,
    );
  }
});

test('dmabuf lab serves a heap into which nothing of its demonstration fits', async (t) => {
  const lab = await startLab(t, ['--port', '0', '--capacity', '4KiB']);
  assert.equal((await spend(lab.address())).status, 200);
  assert.deepEqual(await lab.end(), [0, '']);
});
