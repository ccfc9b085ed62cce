// Every check of the project, then every test. `npm test -- --only PATTERN` runs the matching test
// files alone; several patterns add up.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { runTests } from './run-tests.mjs';

const CHECKS = [
  ['format', 'oxfmt', ['--check', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['package', 'publint', ['--strict', '--pack=npm']],
];

function runCheck(root, [name, command, args]) {
  process.stdout.write(`check: ${name}\n`);
  const result = spawnSync(join(root, 'node_modules/.bin', command), args, { cwd: root, encoding: 'utf8' });
  if (result.status === 0) return true;
  process.stdout.write(`${result.stdout}${result.stderr}check failed: ${name}\n`);
  return false;
}

function testFiles(root) {
  const files = ['dist/src', 'dist/test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((path) => join(root, folder, path)),
  );
  return files.filter((path) => /\.(?:test|fuzz)\.js$/u.test(path)).toSorted();
}

export function check(root, args) {
  const { only } = parseArgs({ args, options: { only: { type: 'string', multiple: true, default: [] } } }).values;
  const files = testFiles(root).filter((path) => only.length === 0 || only.some((pattern) => path.includes(pattern)));
  const checksPassed = only.length > 0 || CHECKS.map((entry) => runCheck(root, entry)).every(Boolean);
  runTests(files, checksPassed);
}
