// Builds dist/: the wasm module first (its bytes become a TypeScript module), then everything with tsc.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const WASM_SOURCE = 'src/sg/assembly/pages-by-entry.ts';
const WASM_MODULE = 'src/sg/pages-by-entry-wasm.generated.ts';

function run(root, command, args) {
  const result = spawnSync(join(root, 'node_modules', '.bin', command), args, {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (result.status !== 0) process.exit(1);
}

function isOlder(path, than) {
  return !existsSync(path) || statSync(path).mtimeMs < statSync(than).mtimeMs;
}

function buildWasm(root) {
  const source = join(root, WASM_SOURCE);
  const module = join(root, WASM_MODULE);
  if (!isOlder(module, source)) return;
  const wasmPath = join(root, 'dist', 'pages-by-entry.wasm');
  mkdirSync(dirname(wasmPath), { recursive: true });
  run(root, 'asc', [
    source, '--outFile', wasmPath, '--runtime', 'stub', '--enable', 'simd', '--importMemory', '--noExportMemory',
    '-O3', '--noAssert', '--converge',
  ]); // prettier-ignore
  const base64 = readFileSync(wasmPath).toString('base64');
  const lines = [
    `// Built from ${WASM_SOURCE.replace('src/sg/', '')} by tools/build.mjs. Do not edit.`,
    '',
    `export const PAGES_BY_ENTRY_WASM_BASE64: string =\n  '${base64}';`,
    '',
  ];
  writeFileSync(module, lines.join('\n'));
}

/** Old outputs of files that are gone would still be found by tests: a new list of sources starts from nothing. */
function removeStaleOutput(root) {
  const listing = spawnSync(
    'git',
    ['ls-files', '-co', '--exclude-standard', '--', 'src', 'test', 'bench', 'examples', 'vm'],
    { cwd: root, encoding: 'utf8' },
  );
  if (listing.status !== 0) return;
  const list = listing.stdout
    .split('\n')
    .filter((path) => existsSync(join(root, path)))
    .toSorted()
    .join('\n');
  const stampPath = join(root, 'dist', '.source-list');
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === list) return;
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stampPath, list);
}

export function build(root) {
  removeStaleOutput(root);
  if (existsSync(join(root, WASM_SOURCE))) buildWasm(root);
  run(root, 'tsc', ['-p', 'tsconfig.json']);
  const main = join(root, 'dist', 'src', 'cli', 'main.js');
  if (existsSync(main)) chmodSync(main, 0o755);
}
