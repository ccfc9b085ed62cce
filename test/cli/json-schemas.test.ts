/** The --json output of every command, checked against the schemas in the package. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnySchemaObject, ValidateFunction } from 'ajv/dist/2020.js';

import { toByteLength } from '../../src/base/quantities.ts';
import { MiB } from '../../src/base/sizes.ts';
import { toKernelJson } from '../../src/cli/vmap/kernel-json.ts';
import { MemoryCalls } from '../../src/linux/calls/memory-calls.ts';
import { KERNEL_VMAP } from '../support/fakes/kernel-vmap-report.ts';
import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const TRACES = join(repositoryRoot, 'test/fixtures/trace');
const SCHEMAS = join(repositoryRoot, 'docs/schemas');
// Strict: a keyword that is misspelt in a schema is refused.
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
const validators = new Map<string, ValidateFunction>(
  readdirSync(SCHEMAS).map((file) => {
    const schema = JSON.parse(readFileSync(join(SCHEMAS, file), 'utf8')) as AnySchemaObject;
    return [file.replace('.schema.json', ''), ajv.compile(schema)];
  }),
);

/** Checks a line of JSON, and gives what it says. */
function assertValid(format: string, line: string): Record<string, unknown> {
  const value = JSON.parse(line) as Record<string, unknown>;
  assert.equal(value['format'], format);
  const validate = validators.get(format);
  assert.ok(validate !== undefined, `docs/schemas has no ${format}.schema.json`);
  assert.ok(validate(value), `${format}: ${ajv.errorsText(validate.errors)}`);
  return value;
}

function assertPrintsValid(format: string, ...args: readonly string[]): Record<string, unknown> {
  const { status, stdout, stderr } = runCli(...args, '--json');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return assertValid(format, stdout);
}

const ITERATOR_TEXT = '7\n8388608\nframe\nsystem\n6\n4096\n\nudmabuf\n';

test('every schema has the name of its format, and refuses any other object', () => {
  assert.deepEqual(
    [...validators.keys()],
    [
      'dmabuf-buffers',
      'dmabuf-callers',
      'dmabuf-camera',
      'dmabuf-cameras',
      'dmabuf-capture',
      'dmabuf-difference',
      'dmabuf-doctor',
      'dmabuf-fleet',
      'dmabuf-heaps',
      'dmabuf-kernel-vmap',
      'dmabuf-layout',
      'dmabuf-mapping',
      'dmabuf-show',
      'dmabuf-source-callers',
      'dmabuf-trace',
      'dmabuf-vmap',
      'dmabuf-workload-comparison',
      'dmabuf-workload-costs',
      'dmabuf-workload-prediction',
      'dmabuf-workload-run',
      'dmabuf-workloads',
    ],
  );
  for (const [format, validate] of validators) {
    assert.ok(!validate({}), format);
    assert.ok(!validate({ format, version: 1 }), format);
  }
});

test('a schema refuses a key that it does not know, and a value of another type', () => {
  const heaps = JSON.parse(runCli('heaps', '--json').stdout) as { heaps: object[] };
  const validate = validators.get('dmabuf-heaps');
  assert.equal(validate?.(heaps), true);
  assert.equal(validate({ ...heaps, more: 1 }), false);
  assert.equal(validate({ ...heaps, version: 2 }), false);
  assert.equal(validate({ ...heaps, heaps: [{ ...heaps.heaps[0], available: 'yes' }] }), false);
});

test('dmabuf heaps and dmabuf doctor print what their schemas say', () => {
  assertPrintsValid('dmabuf-heaps', 'heaps');
  assertPrintsValid('dmabuf-doctor', 'doctor');
});

test('dmabuf camera prints what its schema says, without a camera too', () => {
  assertPrintsValid('dmabuf-cameras', 'camera');
});

test('dmabuf callers and dmabuf trace report print what their schemas say', () => {
  const validate = validators.get('dmabuf-mapping') ?? assert.fail();
  for (const name of ['mail-call-traces.txt', 'function-graph.txt', 'events-fprobe.txt']) {
    const file = join(TRACES, name);
    const { mappingCount } = assertPrintsValid('dmabuf-callers', 'callers', file);
    assert.equal(assertPrintsValid('dmabuf-trace', 'trace', 'report', file)['mappingCount'], mappingCount);
    const lines = runCli('callers', '--jsonl', file).stdout.trimEnd().split('\n');
    for (const line of lines) assert.ok(validate(JSON.parse(line)), `${line}: ${ajv.errorsText(validate.errors)}`);
    assert.equal(lines.length, Number(mappingCount) + 1);
  }
});

test('dmabuf workload prints what its schemas say', () => {
  assertPrintsValid('dmabuf-workloads', 'workload');
  assertPrintsValid('dmabuf-workloads', 'workload', 'show', 'decoder');
  for (const caller of ['as-is', 'fixed'])
    assertPrintsValid('dmabuf-workload-run', 'workload', 'run', 'decoder', '--for', '0.1', '--caller', caller);
  for (const name of ['model-load-beside', 'contention-of-processes'])
    assertPrintsValid('dmabuf-workload-run', 'workload', 'run', name, '--for', '0.2');
  const { stdout } = runCli('workload', 'from-trace', join(TRACES, 'mail-call-traces.txt'));
  assertValid('dmabuf-workloads', stdout);
  assertPrintsValid('dmabuf-workload-comparison', 'workload', 'run', 'capture-metadata', '--for', '0.2', '--compare');
  for (const source of ['machine', 'published', join(TRACES, 'instructions-6.12.jsonl')]) {
    assertPrintsValid('dmabuf-workload-costs', 'workload', 'costs', '--costs', source);
    assertPrintsValid('dmabuf-workload-prediction', 'workload', 'predict', 'decoder', '--costs', source);
  }
});

test('dmabuf vmap prints what its schema says', () => {
  assert.equal(assertPrintsValid('dmabuf-vmap', 'vmap', '4MiB', '--mix', 'aged')['verified'], true);
});

test('what dmabuf vmap --kernel prints is as its schema says, of time and of instructions', () => {
  assertValid('dmabuf-kernel-vmap', JSON.stringify(toKernelJson(KERNEL_VMAP)));
  const byTime = { ...KERNEL_VMAP, heldBytes: undefined, instructionNs: undefined };
  const { instructionNs } = assertValid('dmabuf-kernel-vmap', JSON.stringify(toKernelJson(byTime)));
  assert.equal(instructionNs, null);
});

test('dmabuf layout prints what its schema says, also for an unknown layout', (t) => {
  assertPrintsValid('dmabuf-layout', 'layout', 'new:3MiB');
  // Its pages are untouched, so they have no places.
  const memfd = new MemoryCalls().createSealedMemfd('dmabuf-test', toByteLength(MiB));
  t.after(() => memfd.close());
  const { status, stdout } = spawnSync(process.execPath, [CLI_PATH, 'layout', '3', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore', memfd.borrow()],
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.equal((assertValid('dmabuf-layout', stdout)['layout'] as { known: boolean }).known, false);
});

test('dmabuf ls prints what its schemas say: at once, saved, watched and compared', (t) => {
  const folder = temporaryFolder(t);
  const [pin, saved] = [join(folder, 'pin'), join(folder, 'saved.json')];
  writeFileSync(pin, ITERATOR_TEXT);
  assertPrintsValid('dmabuf-buffers', 'ls');
  assertPrintsValid('dmabuf-buffers', 'ls', '--bpf', pin, '--save', saved);
  assertValid('dmabuf-buffers', readFileSync(saved, 'utf8'));
  const watched = runCli('ls', '--watch=0.05', '--count', '2', '--by', 'process', '--json', '--bpf', pin).stdout;
  const lines = watched.trimEnd().split('\n');
  assert.equal(lines.length, 2);
  for (const line of lines) assert.ok(Array.isArray(assertValid('dmabuf-buffers', line)['growth']));
  writeFileSync(pin, ITERATOR_TEXT.replace('6\n4096', '9\n16384'));
  const { newBuffers } = assertPrintsValid('dmabuf-difference', 'ls', '--bpf', pin, '--diff', saved);
  assert.equal((newBuffers as unknown[]).length, 1);
});
