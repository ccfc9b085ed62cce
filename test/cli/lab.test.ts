import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
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

async function startLab(t: TestContext, args: readonly string[], folder = ''): Promise<RunningLab> {
  const child = spawn(process.execPath, [CLI, 'lab', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_RUNTIME_DIR: folder },
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
  // One that others may read, or that is no key, is not used.
  for (const spoil of [() => chmodSync(path, 0o644), () => writeFileSync(path, 'short')]) {
    spoil();
    const lab = await startLab(t, ['--port', port, '--capacity', '64MiB'], folder);
    assert.notEqual(((await (await spend(lab.address())).json()) as { readonly key: string }).key, keys[0]);
    await lab.end();
    chmodSync(path, 0o600);
  }
});
