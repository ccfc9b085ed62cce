import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnySchemaObject } from 'ajv/dist/2020.js';

import { runCli } from '../support/processes/run-cli.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryTree } from '../support/runner/temporary-folder.ts';

const FIXTURE = join(repositoryRoot, 'test/fixtures/kernel-source');

test('dmabuf callers --source prints the calls, the ways to them, what lacks a lock, and the exporters', () => {
  const { status, stdout, stderr } = runCli('callers', '--source', FIXTURE);
  assert.deepEqual([status, stderr], [0, '']);
  const lines = stdout.split('\n');
  for (const line of [
    'Calls of dma_buf_vmap: file, function, line, text',
    '  core/dma-buf.c dma_buf_vmap_unlocked 19 ret = dma_buf_vmap(dmabuf, map);',
    '  2 platform_driver.probe  a driver meets or leaves its device',
    '  2 └ direct_probe  set in direct_driver traps/handed.c:27',
    '  1   └ dma_buf_vmap_unlocked  traps/handed.c:23',
    '  0     └ dma_buf_vmap  core/dma-buf.c:19',
    '  2 map_later  given to INIT_WORK in camera_probe; traps/handed.c',
    '  locks/locks.c:31',
    '    not_held → map_object',
    '  heap_vmap  heap_buf_ops, core/dma-buf.c:31',
  ])
    assert.ok(lines.includes(line), `${line}\nis not in\n${stdout}`);
});

test('dmabuf callers --source --depth ends sooner, and says so', () => {
  const { stdout } = runCli('callers', '--source', FIXTURE, '--depth', '1');
  assert.match(stdout, /^From where the search ended \(--depth goes further\)$/mu);
  assert.ok(!stdout.includes('camera_map'));
});

test('dmabuf callers --source --list prints lines as cscope does', () => {
  const { status, stdout } = runCli('callers', '--source', FIXTURE, '--list');
  assert.equal(status, 0);
  assert.equal(stdout.split('\n')[3], 'locks/locks.c map_object 31 return dma_buf_vmap(object->dmabuf, &object->map);');
  assert.equal(stdout.split('\n').length, 29);
});

test('dmabuf callers --source --json prints what its schema says', () => {
  const path = join(repositoryRoot, 'docs/schemas/dmabuf-source-callers.schema.json');
  const validate = new Ajv2020({ strict: true }).compile(JSON.parse(readFileSync(path, 'utf8')) as AnySchemaObject);
  const { status, stdout } = runCli('callers', '--source', FIXTURE, '--json');
  assert.equal(status, 0);
  const value = JSON.parse(stdout) as Record<string, unknown>;
  assert.ok(validate(value), JSON.stringify(validate.errors));
  assert.equal((value['calls'] as unknown[]).length, 28);
});

test('dmabuf callers --source says that nothing calls', (t) => {
  const { status, stdout } = runCli('callers', '--source', temporaryTree(t, { 'a.c': 'int a;' }));
  assert.equal(status, 0);
  assert.match(stdout.replaceAll('\n', ' '), /^1 file in \S+, 6 B: no call of dma_buf_vmap $/u);
});

test('dmabuf callers --source spells out what would drive the terminal', (t) => {
  const text = 'int f(void)\n{\n\treturn dma_buf_vmap(a, "\u001B[31m\u202E");\n}\n';
  const { stdout } = runCli('callers', '--source', temporaryTree(t, { 'a.c': text }), '--list');
  assert.equal(stdout, 'a.c f 3 return dma_buf_vmap(a, "\\u001b[31m\\u202e");\n');
});

test('dmabuf callers --source refuses what it cannot read, and arguments that do not go together', (t) => {
  const root = temporaryTree(t, { 'a.c': '' });
  for (const [args, status, message] of [
    [['--source', join(root, 'none')], 1, /none for callers as there is no such folder: name the folder of a/u],
    [['--source', join(root, 'a.c')], 1, /a\.c for callers as it is no folder/u],
    [['--source', root, '--depth', '51'], 2, /"51" functions up as --depth must be a whole number from 1 to 50/u],
    [['--source', root, '--list', '--json'], 2, /Cannot use --list with --json/u],
    [['--source', root, 'a.log'], 2, /Cannot use --source with FILE/u],
    [['--list'], 2, /Cannot use --list or --depth as they go with --source/u],
  ] as const) {
    const result = runCli('callers', ...args);
    assert.deepEqual([result.status, result.stdout], [status, ''], result.stderr);
    assert.match(result.stderr, message);
  }
});
