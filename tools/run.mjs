// The entry of `npm start`, `npm test` and every `npm run …` of package.json: install, build, then
// the task. One script rather than npm's pre-scripts, which are skipped under ignore-scripts=true.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { buildNative } from './build-native.mjs';
import { build } from './build.mjs';
import { buildDocs } from './docs.mjs';
import { check } from './check.mjs';
import { commandWords } from './command-words.mjs';
import { installDependencies } from './install.mjs';
import { installForTests } from './vm-install.mjs';
import { makeProtocols } from './wayland-protocols.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [task, ...rest] = process.argv.slice(2);

function runNode(args) {
  const result = spawnSync(process.execPath, args, { cwd: process.env.INIT_CWD ?? process.cwd(), stdio: 'inherit' });
  process.exit(result.status ?? 1);
}

const tasks = {
  build: () => build(root),
  start: async () => {
    await build(root);
    runNode(['--enable-source-maps', join(root, 'dist/src/cli/main.js'), ...commandWords(rest)]);
  },
  test: async () => {
    // The machine is changed only on explicit request.
    if (process.env.DMABUF_TEST_INSTALL === '1') installForTests();
    await build(root);
    check(root, rest);
  },
  runtimes: async () => {
    await build(root);
    check(root, ['--only', 'test/runtimes/']);
  },
  docs: () => buildDocs(root),
  native: () => buildNative(root, rest),
  'lab-pictures': async () => {
    await build(root);
    runNode(['--enable-source-maps', join(root, 'dist/test/support/pages/lab-pictures.js')]);
  },
  'wayland-protocols': () => makeProtocols(root, rest),
  vm: async () => {
    await build(root);
    // In this process: a signal to it ends the guest, without a process in between that could die
    // first.
    const main = join(root, 'dist/vm/main.js');
    process.argv = [process.execPath, main, ...rest];
    await import(pathToFileURL(main).href);
  },
  'vm:install': () => {
    if (!installForTests()) process.exitCode = 1;
  },
  bench: async () => {
    await build(root);
    const inGuest = rest[0] === '--guest';
    if (inGuest) runNode([join(root, 'dist/bench/in-guest.js'), ...rest.slice(1)]);
    runNode(['--expose-gc', join(root, 'dist/bench/main.js'), ...rest]);
  },
  soak: async () => {
    await build(root);
    runNode(['--enable-source-maps', join(root, 'dist/test/soak/soak.js'), ...rest]);
  },
  format: () => {
    spawnSync(join(root, 'node_modules/.bin/oxfmt'), ['.'], { cwd: root, stdio: 'inherit' });
  },
};

const chosen = tasks[task];
if (chosen === undefined) {
  process.stderr.write(`Usage: node tools/run.mjs ${Object.keys(tasks).join('|')}\n`);
  process.exit(2);
}
// Built sources without a lock file (the published package) need no installation.
const needsDependencies = task !== 'vm:install' && existsSync(join(root, 'package-lock.json'));
if (needsDependencies) installDependencies(root);
await chosen();
