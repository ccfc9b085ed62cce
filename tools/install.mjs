// Installs the development dependencies when the lock file has changed since the last installation.
// Its output goes to stderr, so that stdout has only the command's own.

import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Production and omit settings of the environment must not leave out the compiler. No dependency
// needs a script.
const ARGUMENTS = [
  'ci',
  '--include=dev',
  '--include=optional',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
];

export function installDependencies(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const stampPath = join(root, 'node_modules', '.dmabuf-lock-hash');
  const installed = existsSync(stampPath) ? readFileSync(stampPath, 'utf8') : '';
  if (installed === wanted) return;
  process.stderr.write('Installing dependencies…\n');
  const result = spawnSync('npm', ARGUMENTS, { cwd: root, stdio: ['ignore', process.stderr, process.stderr] });
  if (result.status !== 0) {
    process.stderr.write('Cannot install the dependencies: see the lines above. npm must reach its registry once.\n');
    process.exit(1);
  }
  writeFileSync(stampPath, wanted);
}
