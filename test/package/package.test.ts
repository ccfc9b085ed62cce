/** The package as npm packs it, unpacked somewhere else and used from there. dist/ must have been built; nothing is downloaded. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { listFiles, repositoryRoot } from '../support/source-files.ts';
import { writeFiles } from '../support/temporary-folder.ts';

const PROGRAM = 'dist/src/cli/main.js';

/** What may be in the package. */
const PACKED = [
  /^(?:package\.json|LICENSE|README\.md|CHANGELOG\.md)$/u,
  /^docs\/.+\.(?:md|svg|png)$/u,
  /^(?:bench\/peer|test\/peers)\/[^/]+\.[ch]$/u,
  /^examples\/[^/]+\.ts$/u,
  /^dist\/src\/.+\.(?:js|js\.map|d\.ts|d\.ts\.map)$/u,
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

const CONSUMER = `
import { openHeap } from 'dmabuf';
import type { BufferView, DmaBuf } from 'dmabuf';
import { openEmbeddedHeap } from 'dmabuf/embedded';
import { createFramePool } from 'dmabuf/pool';
const buffer: DmaBuf = openHeap('system').allocate(4096, { name: 'typed' });
const view: BufferView = buffer.vmap();
export const words: Uint32Array = view.as(Uint32Array);
export const frame: Uint8Array = createFramePool(openEmbeddedHeap(), { length: 4096, count: 1 }).acquire().bytes;
// @ts-expect-error -- a length is a number: were the types missing, this would be no error
openHeap('system').allocate('4096');
`;

const CONSUMER_CONFIG = JSON.stringify({
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2022'],
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ['consumer.ts'],
});

let folder = '';

function run(command: string, args: readonly string[], cwd: string): { status: number | null; output: string } {
  const env = {
    ...process.env,
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  };
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, output: status === 0 ? stdout : `${stdout}${stderr}` };
}

function mustRun(command: string, args: readonly string[], cwd: string): string {
  const { status, output } = run(command, args, cwd);
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${output}`);
  return output;
}

/** The consumer's node_modules: the unpacked package, and what it and its types depend on, linked. */
function install(): void {
  mustRun('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], repositoryRoot);
  const version = manifest(repositoryRoot).version;
  mustRun('tar', ['-xzf', `dmabuf-${version}.tgz`], folder);
  const modules = join(folder, 'consumer', 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  mustRun('mv', ['package', join(modules, 'dmabuf')], folder);
  for (const name of ['koffi', '@koromix', '@types'])
    symlinkSync(join(repositoryRoot, 'node_modules', name), join(modules, name));
  symlinkSync(`../dmabuf/${PROGRAM}`, join(modules, '.bin', 'dmabuf'));
  // As npm does when it installs a package with a program.
  if (existsSync(join(modules, 'dmabuf', PROGRAM))) chmodSync(join(modules, 'dmabuf', PROGRAM), 0o755);
}

function manifest(root: string): { version: string; bin: Record<string, string>; exports: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as ReturnType<typeof manifest>;
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'dmabuf-test-package-'));
  install();
  writeFiles(join(folder, 'consumer'), {
    'package.json': '{ "private": true, "type": "module" }',
    'use.js': USE,
    'deep.js': "import 'dmabuf/dist/src/linux/libc.js';",
    'consumer.ts': CONSUMER,
    'tsconfig.json': CONSUMER_CONFIG,
  });
});
after(() => rmSync(folder, { recursive: true, force: true }));

function consumer(): string {
  return join(folder, 'consumer');
}

function packed(): string {
  return join(consumer(), 'node_modules', 'dmabuf');
}

test('package holds the built sources, the C peers, the examples and the documents, and nothing else', () => {
  const paths = listFiles('', packed());
  const strangers = paths.filter((path) => TEST_OUTPUT.test(path) || !PACKED.some((pattern) => pattern.test(path)));
  assert.deepEqual(strangers, []);
  for (const path of ['package.json', 'LICENSE', 'dist/src/index.js', 'dist/src/index.d.ts']) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
});

test('package holds no output of a source that is gone', () => {
  const outputs = listFiles('dist', packed());
  const stale = outputs.filter((path) => {
    const sourcePath = path.replace(/^dist\//u, '').replace(/(?:\.d\.ts|\.js)(?:\.map)?$/u, '.ts');
    return !existsSync(join(repositoryRoot, sourcePath));
  });
  assert.deepEqual(stale, [], 'Delete dist/ and build anew');
});

test('package has everything that its package.json points to', () => {
  const { bin, exports } = manifest(packed());
  const paths = [bin, exports].flatMap((part) => JSON.stringify(part).match(/(?:\.\/)?dist\/[^"]+/gu) ?? []);
  assert.ok(paths.length >= 7, `${paths.length} paths found`);
  const missing = paths.filter((path) => !existsSync(join(packed(), path)));
  assert.deepEqual(
    missing.filter((path) => path !== PROGRAM || existsSync(join(repositoryRoot, path))),
    [],
  );
});

test('package shows nothing in its types that is marked as internal', () => {
  const declarations = listFiles('dist', packed()).filter((path) => path.endsWith('.d.ts'));
  assert.ok(declarations.length > 10, `${declarations.length} declarations found`);
  const leaking = declarations.filter((path) => readFileSync(join(packed(), path), 'utf8').includes('@internal'));
  assert.deepEqual(leaking, []);
});

test('package allocates, maps, writes, reads and closes from where it was unpacked', () => {
  const output = mustRun(process.execPath, ['use.js'], consumer());
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

test('package without its optional binary says how to get it', () => {
  const alone = join(folder, 'alone', 'node_modules');
  mkdirSync(alone, { recursive: true });
  symlinkSync(packed(), join(alone, 'dmabuf'));
  cpSync(join(repositoryRoot, 'node_modules', 'koffi'), join(alone, 'koffi'), { recursive: true });
  const script = "import('dmabuf').catch((error) => console.log(error.code, error.message));";
  const preserve = ['--preserve-symlinks', '--input-type=module', '--eval', script];
  const output = mustRun(process.execPath, preserve, join(folder, 'alone'));
  assert.match(output, /^ENOENT Cannot load koffi's binary .*install without "--omit=optional"/u);
});

test('package lets nobody past its exports', () => {
  const { status, output } = run(process.execPath, ['deep.js'], consumer());
  assert.notEqual(status, 0);
  assert.match(output, /ERR_PACKAGE_PATH_NOT_EXPORTED/u);
});

test('package has types that a strict consumer without the DOM compiles against, libraries checked', () => {
  mustRun(join(repositoryRoot, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.json'], consumer());
});

test(
  'package runs as a program',
  { skip: existsSync(join(repositoryRoot, PROGRAM)) ? false : `${PROGRAM} is not built` },
  () => {
    const program = join(consumer(), 'node_modules', '.bin', 'dmabuf');
    assert.equal(mustRun(program, ['--version'], consumer()), `dmabuf ${manifest(packed()).version}\n`);
    assert.notEqual(run(program, ['no-such-command'], consumer()).status, 0);
  },
);
