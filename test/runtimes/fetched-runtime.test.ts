/** Where no registry can be reached, and programs that do not end. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { compareVersions } from '../../vm/npm-package.ts';
import { emptyCache } from '../support/fakes/empty-cache.ts';
import { until } from '../support/runner/settled.ts';
import { runBounded } from './bounded-run.ts';
import { fetchRuntime, nodeSource } from './fetched-runtime.ts';

const hasNodeFromNpm = ['x64', 'arm64'].includes(process.arch);
const skip = hasNodeFromNpm ? false : `npm has no Node.js for ${process.arch}`;

/** A registry at an unused port, and an empty cache. */
function withoutNetwork(t: TestContext): string {
  const before = process.env['npm_config_registry'];
  process.env['npm_config_registry'] = 'http://127.0.0.1:9/';
  t.after(() => {
    if (before === undefined) delete process.env['npm_config_registry'];
    else process.env['npm_config_registry'] = before;
  });
  return emptyCache(t);
}

test('fetchRuntime() says what is missing where the registry cannot be reached', { skip }, (t) => {
  const cache = withoutNetwork(t);
  rmSync(cache, { recursive: true });
  const runtime = fetchRuntime(nodeSource('22'));
  mkdirSync(cache);
  const name = `node-linux-${process.arch}`;
  assert.deepEqual(runtime, {
    missing: `npm's registry cannot be asked for ${name}@22, and the cache in ${cache} has none`,
  });
});

test('fetchRuntime() takes the newest of the cache where the registry cannot be reached', { skip }, (t) => {
  const cache = withoutNetwork(t);
  const name = `node-linux-${process.arch}`;
  for (const version of ['22.9.1', '22.10.0', '24.1.0', '220.1.0.partial-x'])
    mkdirSync(join(cache, `${name}-${version}`));
  assert.deepEqual(fetchRuntime(nodeSource('22')), {
    title: 'Node.js 22.10.0',
    path: join(cache, `${name}-22.10.0`, 'bin', 'node'),
  });
  assert.deepEqual(fetchRuntime(nodeSource('latest')), {
    title: 'Node.js 24.1.0',
    path: join(cache, `${name}-24.1.0`, 'bin', 'node'),
  });
});

test('fetchRuntime() says so where there is none for this architecture', () => {
  const runtime = fetchRuntime({ name: 'Some', packages: {}, range: 'latest', program: 'some' });
  assert.deepEqual(runtime, { missing: `Some for ${process.arch} is not known to these tests` });
});

test('compareVersions() goes by the numbers', () => {
  assert.deepEqual(['22.10.0', '22.9.1', '22.9.10', '9.0.0'].toSorted(compareVersions), [
    '9.0.0',
    '22.9.1',
    '22.9.10',
    '22.10.0',
  ]);
});

test('runBounded() gives what a program writes, and how it ends', async () => {
  const script = 'echo out; echo err >&2; exit 3';
  assert.deepEqual(await runBounded(['sh', '-c', script]), { stdout: 'out\n', stderr: 'err\n', status: 3 });
  assert.equal((await runBounded(['sh', '-c', 'kill -SEGV $$'])).status, 'SIGSEGV');
});

test('runBounded() ends a program that does not end, and says what it had written', async () => {
  await assert.rejects(runBounded(['sh', '-c', 'echo begun; sleep 1000'], { secondsMax: 1 }), {
    message: 'It did not end within 1 s of a quiet machine. It wrote: begun\n',
  });
});

test('runBounded() ends what a program leaves behind', async () => {
  const { stdout } = await runBounded(['sh', '-c', 'sleep 1000 & echo $!']);
  await until(() => hasEnded(stdout.trim()));
});

/** Also where nobody asks how it ended, and the kernel keeps its number: state Z (man 5 proc). */
function hasEnded(pid: string): boolean {
  try {
    return /^.*\) Z /su.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
