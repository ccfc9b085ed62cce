/**
 * The package as npm packs it, unpacked somewhere else and used from there. dist/ must have been
 * built; nothing is downloaded.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { listFiles, repositoryRoot } from '../support/runner/source-files.ts';
import { writeFiles } from '../support/runner/temporary-folder.ts';
import { installPackedPackage, mustRun, readManifest, run, specifiersOf } from './packed-package.ts';

/** What may be in the package. */
const PACKED = [
  /^(?:package\.json|LICENSE|README\.md|CHANGELOG\.md)$/u,
  /^docs\/.+\.(?:md|svg|png)$/u,
  /^docs\/schemas\/dmabuf-[a-z-]+\.schema\.json$/u,
  /^dist\/man\/dmabuf\.1$/u,
  /^(?:bench\/peer|test\/peers)\/[^/]+\.[ch]$/u,
  /^examples\/[^/]+\.ts$/u,
  /^native\/(?:border\.c|linux-(?:x64|arm64)\/border\.node)$/u,
  /^dist\/bundle\/(?:shared\/)?[^/]+\.js$/u,
  /^dist\/src\/.+\.d\.ts$/u,
  /^dist\/tree-sitter\/(?:web-tree-sitter\.(?:js|wasm|LICENSE)|tree-sitter-c\.(?:wasm|LICENSE))$/u,
  /^dist\/fleet\/[a-z]+\.sql$/u,
  /^dist\/lab\/(?:index\.html|style\.css|js\/(?:base|lab\/(?:page|page\/views|protocol))\/[a-z-]+\.js)$/u,
  /^dist\/lab\/vendor\/(?:preact|signals|uplot)[a-z-]*\.(?:mjs|css|LICENSE)$/u,
];
const TEST_OUTPUT = /\.(?:test|fuzz)\./u;

const USE = `
import { KiB, MiB, isDmaBufError, listHeaps, openHeap } from 'dmabuf';
import { openEmbeddedHeap } from 'dmabuf/embedded';
import { createFramePool } from 'dmabuf/pool';

const heap = openHeap('system', { backends: ['embedded'] });
const buffer = heap.allocate(1 * MiB + 1, { name: 'packed' });
const view = buffer.vmap();
view.bytes.fill(7);
const read = buffer.accessSync('read', (bytes) => bytes[1 * MiB]);
const known = buffer.layout().known;
view.close();
buffer.close();
let code;
try {
  buffer.vmap();
} catch (error) {
  code = isDmaBufError(error) ? error.code : String(error);
}
heap.close();

const arenaHeap = openEmbeddedHeap({ capacity: 16 * MiB });
const pool = createFramePool(arenaHeap, { length: 64 * KiB, count: 2 });
const frame = pool.acquire();
frame.bytes[0] = 9;
const { freeCount } = pool;
frame.release();
pool.close();
const { bufferCount, usedBytes } = arenaHeap.stats();
arenaHeap.close();

const backends = [...new Set(listHeaps().map((listing) => listing.backend))];
console.log(JSON.stringify({ read, known, code, freeCount, bufferCount, usedBytes, backends }));
`;

const { folder, consumer, path: packed } = installPackedPackage();
writeFiles(consumer, {
  'package.json': '{ "private": true, "type": "module" }',
  'use.js': USE,
  'deep.js': "import 'dmabuf/dist/src/linux/libc.js';",
});

test('package holds what was built, the C peers, the examples and the documents, and nothing else', () => {
  const paths = listFiles('', packed);
  const strangers = paths.filter((path) => TEST_OUTPUT.test(path) || !PACKED.some((pattern) => pattern.test(path)));
  assert.deepEqual(strangers, []);
  for (const path of [
    'package.json',
    'LICENSE',
    'dist/bundle/index.js',
    'dist/bundle/stamping-process.js',
    'dist/bundle/party-thread.js',
    'dist/bundle/party-process.js',
    'dist/src/index.d.ts',
    'dist/tree-sitter/tree-sitter-c.LICENSE',
    'dist/fleet/growth.sql',
    'dist/lab/index.html',
    'dist/lab/vendor/uplot.LICENSE',
    'dist/bundle/convert-thread.js',
    'native/linux-x64/border.node',
  ]) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
});

test('package holds no declarations of a source that is gone', () => {
  const stale = listFiles('dist/src', packed).filter(
    (path) => !existsSync(join(repositoryRoot, path.replace(/^dist\//u, '').replace(/\.d\.ts$/u, '.ts'))),
  );
  assert.deepEqual(stale, [], 'Delete dist/ and build anew');
});

test('package has everything that its package.json points to', () => {
  const { bin, exports } = readManifest(packed);
  const paths = [bin, exports].flatMap((part) => JSON.stringify(part).match(/(?:\.\/)?dist\/[^"]+/gu) ?? []);
  assert.ok(paths.length >= 9, `${paths.length} paths found`);
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(packed, path))),
    [],
  );
});

test('package shows nothing in its types that is marked as internal', () => {
  const declarations = listFiles('dist', packed).filter((path) => path.endsWith('.d.ts'));
  assert.ok(declarations.length > 10, `${declarations.length} declarations found`);
  const leaking = declarations.filter((path) => readFileSync(join(packed, path), 'utf8').includes('@internal'));
  assert.deepEqual(leaking, []);
});

test('package allocates, maps, writes, reads and closes from where it was unpacked', () => {
  const output = mustRun(process.execPath, ['use.js'], { cwd: consumer });
  assert.deepEqual(JSON.parse(output), {
    read: 7,
    known: true,
    code: 'ERR_DMABUF_CLOSED',
    freeCount: 1,
    bufferCount: 0,
    usedBytes: 0,
    backends: ['kernel', 'udmabuf', 'embedded'],
  });
});

test('package without its addon computes, and says how to get it once the kernel is called', () => {
  const alone = join(folder, 'alone');
  cpSync(packed, join(alone, 'node_modules', 'dmabuf'), { recursive: true });
  rmSync(join(alone, 'node_modules', 'dmabuf', 'native'), { recursive: true });
  const script = `
    import { openHeap, parseSize } from 'dmabuf';
    console.log(parseSize('2MiB'));
    try { openHeap('system', { backends: ['embedded'] }); } catch ({ code, message }) { console.log(code, message); }`;
  const output = mustRun(process.execPath, ['--input-type=module', '--eval', script], { cwd: alone });
  assert.match(
    output,
    /^2097152\nENOENT Cannot load the addon .*border\.node is missing: install the package anew\n$/u,
  );
});

test('package is a CommonJS module as well: require() gives what import gives', () => {
  const names = specifiersOf(readManifest(packed));
  const script = `
    for (const name of ${JSON.stringify(names)}) console.log(Object.keys(require(name)).length > 0);
    const { MiB, openHeap } = require('dmabuf');
    const heap = openHeap('system', { backends: ['embedded'] });
    const buffer = heap.allocate(MiB);
    console.log(buffer.accessSync('write', (bytes) => bytes.fill(7)[MiB - 1]));
    buffer.close();
    heap.close();`;
  // Node 20 and early Node 22 say on stderr that it is experimental.
  const output = mustRun(process.execPath, ['--input-type=commonjs', '--eval', script], { cwd: consumer });
  assert.equal(output, `${'true\n'.repeat(names.length)}7\n`);
});

test('package blocks imports past its exports', () => {
  const { status, output } = run(process.execPath, ['deep.js'], { cwd: consumer });
  assert.notEqual(status, 0);
  assert.match(output, /ERR_PACKAGE_PATH_NOT_EXPORTED/u);
});

test('package runs as a program', () => {
  const program = join(consumer, 'node_modules', '.bin', 'dmabuf');
  assert.equal(mustRun(program, ['--version'], { cwd: consumer }), `dmabuf ${readManifest(packed).version}\n`);
  assert.notEqual(run(program, ['no-such-command'], { cwd: consumer }).status, 0);
});

test('package finds its threads and processes: workloads whose loads run in them', () => {
  const program = join(consumer, 'node_modules', '.bin', 'dmabuf');
  for (const [name, place] of [
    ['model-load-beside', 'thread'],
    ['contention-of-processes', 'process'],
  ] as const) {
    const json = mustRun(program, ['workload', 'run', name, '--for', '0.1', '--json'], { cwd: consumer });
    const { loads } = JSON.parse(json) as { loads: { place: string; mappingCount: number }[] };
    assert.deepEqual(new Set(loads.map((load) => load.place)), new Set([place]));
    assert.ok(loads.some(({ mappingCount }) => mappingCount > 0));
  }
});

test('package serves the page of its lab, and each module that the page imports', async (t) => {
  const program = join(consumer, 'node_modules', '.bin', 'dmabuf');
  const lab = spawn(program, ['lab', '--port', '0', '--capacity', '64MiB'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => lab.kill('SIGKILL'));
  let printed = '';
  while (!printed.includes('#token=')) printed += String(((await once(lab.stdout, 'data')) as [Buffer])[0]);
  const { origin } = new URL(/http\S+/u.exec(printed)?.[0] ?? '');
  const page = await (await fetch(`${origin}/`)).text();
  const modules = [...page.matchAll(/"(?<path>\/vendor\/[^"]+\.mjs|\/js\/[^"]+\.js|\/[a-z/]+\.css)"/gu)];
  assert.ok(modules.length >= 9, `${modules.length} modules`);
  for (const { groups } of modules) {
    const path = groups?.['path'] ?? '';
    assert.equal((await fetch(`${origin}${path}`)).status, 200, path);
  }
});
