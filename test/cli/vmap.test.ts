import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { readMaxMapCount } from '../../src/linux/proc/process-mappings.ts';
import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';

/** The numbers that the issue names. */
interface VmapOutput {
  readonly size: number;
  readonly pages: number;
  readonly entries: number;
  readonly runs: number;
  readonly backend: string;
  readonly conversion: Readonly<Record<string, number | null>>;
  readonly vmap: Readonly<Record<string, number | null>>;
  readonly verified: boolean | null;
}

function runJson(...args: readonly string[]): VmapOutput {
  const { status, stdout, stderr } = runCli('vmap', ...args, '--json');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return JSON.parse(stdout) as VmapOutput;
}

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const maxMapCount = readMaxMapCount();
const hasScript = spawnSync('script', ['--version']).status === 0;

test('dmabuf vmap --json measures and verifies 16 MiB of mix fresh', () => {
  const output = runJson('16MiB');
  assert.equal(output.size, 16_777_216);
  assert.equal(output.pages, 4096);
  assert.equal(output.entries, 16);
  assert.equal(output.runs, 16);
  assert.equal(output.backend, 'embedded');
  assert.equal(output.verified, true);
  assert.equal(output.vmap['byRunCalls'], 16);
  assert.equal(output.vmap['byPageCalls'], 4096);
  const times = [
    ...['byPageNs', 'byEntryNs', 'byEntry8Ns'].map((key) => output.conversion[key]),
    ...['byRunNs', 'byPageNs'].map((key) => output.vmap[key]),
  ];
  assert.ok(times.every((time) => typeof time === 'number' && time > 0));
});

test(
  'dmabuf vmap --json measures the C loops',
  { skip: !hasCompiler && 'there is no cc: install a C compiler' },
  () => {
    const { conversion } = runJson('1MiB');
    const times = ['cByPageNs', 'cByEntryNs', 'cByEntry4Ns'].map((key) => conversion[key]);
    assert.ok(times.every((time) => typeof time === 'number' && time > 0));
  },
);

test('dmabuf vmap --json has null for the C loops where no compiler is found', () => {
  const env = { ...process.env, PATH: '/nonexistent', CC: '' };
  const { status, stdout } = spawnSync(process.execPath, [CLI_PATH, 'vmap', '1MiB', '--json'], {
    env,
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  const { conversion, verified } = JSON.parse(stdout) as VmapOutput;
  assert.deepEqual([conversion['cByPageNs'], conversion['cByEntryNs'], conversion['cByEntry4Ns']], [null, null, null]);
  assert.equal(verified, true);
});

test('dmabuf vmap --mix takes every mix, in either case', () => {
  const entries = ['HUGE', 'fresh', 'aged', 'Fragmented', 'single-pages'].map(
    (mix) => runJson('4MiB', '--mix', mix).entries,
  );
  // Of 1,024 pages, C: 2 of order 8 and 25 of order 4 leave 112; D: 38 of order 4 leave 416.
  assert.deepEqual(entries, [2, 4, 139, 454, 1024]);
});

test('dmabuf vmap prints a report of at most 80 columns, with nothing else in a pipe', () => {
  const { status, stdout, stderr } = runCli('vmap', '16MiB', '--mix', 'aged');
  assert.equal(status, 0);
  assert.equal(stderr, '');
  const lines = stdout.split('\n');
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  assert.equal(stdout.includes('\u001B'), false);
  assert.equal(lines[0], 'A buffer of 16 MiB, mix aged');
  assert.ok(lines.includes('Proof: the view is right'));
});

test(
  'dmabuf vmap succeeds, and says why there is no view, when mappings do not suffice',
  { skip: maxMapCount > 2 ** 20 && `vm.max_map_count is ${maxMapCount}: too many to reach in a test` },
  () => {
    const size = String(maxMapCount * 4096);
    const output = runJson(size, '--mix', 'single-pages');
    assert.equal(output.entries, maxMapCount);
    assert.equal(output.verified, null);
    assert.deepEqual([output.vmap['byRunNs'], output.vmap['byRunCalls'], output.vmap['byPageNs']], [null, null, null]);
    assert.ok((output.conversion['byEntryNs'] ?? 0) > 0);
    const { status, stdout } = runCli('vmap', size, '--mix', 'single-pages');
    assert.equal(status, 0);
    const text = stdout.replaceAll(/\s+/gu, ' ');
    assert.ok(text.includes(`refused before the first call of mmap: Cannot map ${maxMapCount + 1} runs`));
    assert.ok(text.includes('vm.max_map_count'));
  },
);

test(
  'dmabuf vmap shows its progress in one line on a terminal, and emphasis unless NO_COLOR is set',
  { skip: !hasScript && 'there is no "script" to make a pseudo-terminal: install util-linux' },
  () => {
    const command = `'${process.execPath}' '${CLI_PATH}' vmap 4MiB`;
    const onTerminal = (env: NodeJS.ProcessEnv): string =>
      spawnSync('script', ['-qec', command, '/dev/null'], {
        env: { ...process.env, TERM: 'xterm', NO_COLOR: undefined, ...env },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).stdout;
    const colored = onTerminal({});
    assert.ok(colored.includes('\r\u001B[2KMapping page by page …'));
    // The line is gone before the report begins.
    assert.ok(colored.includes('\r\u001B[2K\u001B[1mA buffer of 4 MiB, mix fresh\u001B[22m'));
    const plain = onTerminal({ NO_COLOR: '1' });
    assert.ok(plain.includes('\r\u001B[2KA buffer of 4 MiB, mix fresh'));
    assert.equal(plain.includes('\u001B[1m'), false);
  },
);

test('dmabuf vmap takes the named heap, or gives the reason and the remedy', () => {
  const assertRefused = (status: number, message: RegExp, ...args: readonly string[]): void => {
    const result = runCli('vmap', '1MiB', ...args);
    assert.deepEqual([result.status, result.stdout], [status, ''], args.join(' '));
    assert.match(result.stderr, message);
    assert.match(result.stderr, /^dmabuf: [^\n]+\n$/u);
  };
  const noHeap = /^dmabuf: Cannot open heap "none-of-this-name" of backend kernel as there is no \/dev\/dma_heap.*: /u;
  assertRefused(1, noHeap, '--heap', 'none-of-this-name');
  assertRefused(1, noHeap, '--heap', 'none-of-this-name', '--backend', 'kernel');
  assertRefused(
    1,
    /of backend udmabuf as its heap is named udmabuf or system/u,
    '--heap',
    'cma',
    '--backend',
    'udmabuf',
  );
  assertRefused(2, /"..\/null" as a heap as it cannot be the name of one/u, '--heap', '../null');
  assertRefused(2, /its heap is named "system"/u, '--heap', 'cma', '--backend', 'embedded');
  assertRefused(2, /must be one of kernel, udmabuf, embedded/u, '--backend', 'memfd');
  assertRefused(2, /the kernel decides which pages it gives: --fragment /u, '--heap', 'system', '--mix', 'aged');
  assertRefused(2, /the kernel decides which pages it gives: --fragment /u, '--backend', 'udmabuf', '--mix', 'aged');
  assertRefused(2, /use --mix/u, '--fragment');
});

test('dmabuf vmap --backend embedded is what it does without a heap, less the last line', () => {
  const { stdout } = runCli('vmap', '1MiB', '--heap', 'system', '--backend', 'embedded');
  assert.match(stdout, /"system", embedded backend/u);
  assert.match(stdout, /every stamp is different\)\n$/u);
  assert.match(
    runCli('vmap', '1MiB').stdout,
    /\n\n(?:On this machine's own heaps: dmabuf vmap --heap |No heap of the kernel opens here: "dmabuf doctor")[^\n]+\n$/u,
  );
});

const MEASURE_DEVICE = '/dev/dmabuf-measure';

test(
  'dmabuf vmap --kernel says where the module is that it needs',
  { skip: existsSync(MEASURE_DEVICE) && `this machine has ${MEASURE_DEVICE}` },
  () => {
    const { status, stdout, stderr } = runCli('vmap', '1MiB', '--heap', 'system', '--kernel');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /there is no \/dev\/dmabuf-measure, which the module dmabuf_measure makes/u);
    const command =
      "npm run vm -- sh -c 'insmod /lib/dmabuf/dmabuf_measure.ko && dmabuf vmap 64MiB --heap system --kernel'";
    assert.ok(stderr.replaceAll(/\s+/gu, ' ').includes(command), stderr);
  },
);

test('dmabuf vmap --kernel takes only heaps of the kernel', () => {
  for (const words of [
    ['--backend', 'embedded'],
    ['--backend', 'udmabuf'],
    ['--heap', 'udmabuf'],
    ['--mix', 'aged'],
  ]) {
    const { status, stderr } = runCli('vmap', '1MiB', '--kernel', ...words);
    assert.equal(status, 2, words.join(' '));
    assert.match(stderr, /^dmabuf: Cannot use --(?:kernel with backend|mix with heap "system" of backend kernel)/mu);
  }
});
