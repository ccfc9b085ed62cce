// Builds dist/: the wasm module first (its bytes become a TypeScript module), then everything with
// tsc, then the packed files: the bundle, and the manual page.

import { spawnSync } from 'node:child_process';
import {
  chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from 'node:fs'; // prettier-ignore
import { dirname, join } from 'node:path';

import { bundle } from './bundle.mjs';

/** Each module: the folder of its source and the file to begin with, and what the generated file of bytes is called. */
const WASM_MODULES = [
  { folder: 'src/sg', name: 'pages-by-entry' },
  { folder: 'src/blit', name: 'blit' },
];

/**
 * The parser of C that `dmabuf callers --source` uses, by its name in dist/tree-sitter/: the package has no dependencies of
 * its own, and tree-sitter-c would bring a script that compiles.
 */
const TREE_SITTER_FILES = {
  'web-tree-sitter.js': 'web-tree-sitter/web-tree-sitter.js',
  'web-tree-sitter.wasm': 'web-tree-sitter/web-tree-sitter.wasm',
  'web-tree-sitter.LICENSE': 'web-tree-sitter/LICENSE',
  'tree-sitter-c.wasm': 'tree-sitter-c/tree-sitter-c.wasm',
  'tree-sitter-c.LICENSE': 'tree-sitter-c/LICENSE',
};

/** The modules of the lab's page, by their names in dist/lab/vendor/: it is served without a network. */
const LAB_FILES = {
  'preact.mjs': 'preact/dist/preact.mjs',
  'preact-hooks.mjs': 'preact/hooks/dist/hooks.mjs',
  'preact-jsx-runtime.mjs': 'preact/jsx-runtime/dist/jsxRuntime.mjs',
  'preact.LICENSE': 'preact/LICENSE',
  'signals.mjs': '@preact/signals/dist/signals.mjs',
  'signals-core.mjs': '@preact/signals-core/dist/signals-core.mjs',
  'signals.LICENSE': '@preact/signals/LICENSE',
  'uplot.mjs': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
  'uplot.LICENSE': 'uplot/LICENSE',
};

function run(root, command, args) {
  const result = spawnSync(join(root, 'node_modules', '.bin', command), args, {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (result.status !== 0) process.exit(1);
}

function newestIn(folder) {
  return Math.max(...readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs));
}

function buildWasm(root, { folder, name }) {
  const sources = join(root, folder, 'assembly');
  const module = join(root, folder, `${name}-wasm.generated.ts`);
  // The published package has neither, and what was built of them.
  if (!existsSync(sources)) return;
  if (existsSync(module) && statSync(module).mtimeMs >= newestIn(sources)) return;
  const wasmPath = join(root, 'dist', `${name}.wasm`);
  mkdirSync(dirname(wasmPath), { recursive: true });
  run(root, 'asc', [
    join(sources, `${name}.ts`), '--outFile', wasmPath, '--runtime', 'stub', '--enable', 'simd', '--importMemory',
    '--noExportMemory', '-O3', '--noAssert', '--converge',
  ]); // prettier-ignore
  const base64 = readFileSync(wasmPath).toString('base64');
  const constant = `${name.replaceAll('-', '_').toUpperCase()}_WASM_BASE64`;
  const lines = [
    `// Built from assembly/${name}.ts by tools/build.mjs. Do not edit.`,
    '',
    `export const ${constant}: string =\n  '${base64}';`,
    '',
  ];
  writeFileSync(module, lines.join('\n'));
}

/**
 * Tests would still find old outputs of deleted files, so a new list of sources starts from an
 * empty folder.
 */
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

export async function build(root) {
  removeStaleOutput(root);
  for (const module of WASM_MODULES) buildWasm(root, module);
  run(root, 'tsc', ['-p', 'tsconfig.json']);
  const main = join(root, 'dist', 'src', 'cli', 'main.js');
  if (existsSync(main)) chmodSync(main, 0o755);
  copyTreeSitter(root);
  buildLabPage(root);
  copyFleetSql(root);
  await bundle(root);
  buildManualPage(root, main);
}

function copyTreeSitter(root) {
  mkdirSync(join(root, 'dist', 'tree-sitter'), { recursive: true });
  for (const [name, path] of Object.entries(TREE_SITTER_FILES)) {
    copyFileSync(join(root, 'node_modules', path), join(root, 'dist', 'tree-sitter', name));
  }
}

/** The lab's page: its modules as the compiler writes them, and those that they use. */
function buildLabPage(root) {
  const page = join(root, 'src', 'lab', 'page');
  // The published package has what was built of it.
  if (!existsSync(page)) return;
  const lab = join(root, 'dist', 'lab');
  mkdirSync(join(lab, 'vendor'), { recursive: true });
  run(root, 'tsc', ['-p', join(page, 'tsconfig.json')]);
  for (const name of ['index.html', 'style.css']) copyFileSync(join(page, name), join(lab, name));
  for (const [name, path] of Object.entries(LAB_FILES)) {
    copyFileSync(join(root, 'node_modules', path), join(lab, 'vendor', name));
  }
}

/** The questions to a fleet, and what each engine needs before them: read at run time. */
function copyFleetSql(root) {
  const from = join(root, 'src', 'trace', 'fleet', 'sql');
  const to = join(root, 'dist', 'fleet');
  if (!existsSync(from)) return;
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

/** The command itself prints it, from the descriptions that the help uses. */
function buildManualPage(root, main) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'help', '--man'], { encoding: 'utf8' });
  if (status !== 0) {
    process.stderr.write(`Cannot make the manual page:\n${stderr}`);
    process.exit(1);
  }
  mkdirSync(join(root, 'dist', 'man'), { recursive: true });
  writeFileSync(join(root, 'dist', 'man', 'dmabuf.1'), stdout);
}
