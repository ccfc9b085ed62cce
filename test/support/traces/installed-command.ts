/** The command as it is installed beside other packages, or without them. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

import type { CliResult } from '../processes/run-cli.ts';
import { repositoryRoot } from '../runner/source-files.ts';
import { temporaryFolder } from '../runner/temporary-folder.ts';

const PARTS = ['package.json', 'dist/bundle', 'dist/fleet', 'native'];

/** @param packages by their place in node_modules: the folders that they are in */
export function installCommand(
  t: TestContext,
  packages: Readonly<Record<string, string>>,
): (...args: readonly string[]) => CliResult {
  const modules = join(temporaryFolder(t), 'node_modules');
  const own = join(modules, 'dmabuf');
  for (const part of PARTS) cpSync(join(repositoryRoot, part), join(own, part), { recursive: true });
  for (const [name, folder] of Object.entries(packages)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(folder, join(modules, name));
  }
  const program = join(own, 'dist/bundle/cli.js');
  return (...args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };
}
