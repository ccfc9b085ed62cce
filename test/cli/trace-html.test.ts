/** "dmabuf trace report --html": what it writes, and where. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const TRACE = join(repositoryRoot, 'test/fixtures/trace/mail-call-traces.txt');

test('dmabuf trace report --html writes a page to a file, or with - to standard output', (t) => {
  const page = join(temporaryFolder(t), 'report.html');
  const { status, stdout, stderr } = runCli('trace', 'report', TRACE, '--html', page);
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
  const text = readFileSync(page, 'utf8');
  assert.match(text, /^<!doctype html>\n<html lang="en">/u);
  assert.ok(text.endsWith('</html>\n'));
  for (const name of ['mtk_aov, aov_core_init', 'mtk_cam_vb2_vaddr', 'mdw_mem_pool_chunk_add'])
    assert.ok(text.includes(name), name);
  assert.equal(runCli('trace', 'report', TRACE, '--html', '-').stdout, text);
});

test('dmabuf trace report --html writes the same page in every locale', () => {
  const pages = ['C', 'C.UTF-8'].map((LC_ALL) => {
    const env = { ...process.env, LC_ALL };
    const args = [CLI_PATH, 'trace', 'report', '-', '--html', '-'];
    const trace = '[1.000000] dma_buf_vmap+0xb8/0x130\n[1.000001] npu_größe+0x310/0x718 [npu]\n';
    return spawnSync(process.execPath, args, { encoding: 'utf8', env, input: trace }).stdout;
  });
  assert.ok(pages[0]?.includes('standard input'));
  assert.equal(pages[0], pages[1]);
});

test('dmabuf trace report --html writes over no trace', (t) => {
  const folder = temporaryFolder(t);
  const systrace = join(folder, 'systrace.html');
  writeFileSync(systrace, 'kept');
  const [named, read] = [
    runCli('trace', 'report', TRACE, '--html', join(folder, 'trace.txt')),
    runCli('trace', 'report', systrace, '--html', `${folder}/./systrace.html`),
  ];
  assert.deepEqual([named.status, read.status, named.stdout, read.stdout], [2, 2, '', '']);
  assert.match(named.stderr, /as browsers know pages by their name: end it in \.html$/mu);
  assert.match(read.stderr, /as it is read: name another file$/mu);
  assert.equal(readFileSync(systrace, 'utf8'), 'kept');
});

test('dmabuf trace refuses --html with another form, and says why a page cannot be written', (t) => {
  const folder = temporaryFolder(t);
  for (const args of [
    ['report', TRACE, '--html', '-', '--json'],
    ['report', TRACE, '--html', '-', '--jsonl'],
    ['export', TRACE, '--html', '-'],
  ])
    assert.equal(runCli('trace', ...args).status, 2, args.join(' '));
  const { status, stderr } = runCli('trace', 'report', TRACE, '--html', join(folder, 'absent/report.html'));
  assert.equal(status, 1);
  assert.match(stderr, /^dmabuf: Cannot write .*report\.html as the folder that it is to be in does not exist\n$/u);
});
