import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { repositoryRoot } from '../support/runner/source-files.ts';

/** What package.json says that these tests ask for. */
interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string } | string>>;
}

/** Where the package is installed, as npm packed it. */
export interface PackedPackage {
  /** A folder for everything of this file of tests. */
  readonly folder: string;
  /** A project that depends on the package, on `@types/node` and on `hyparquet-writer`. */
  readonly consumer: string;
  /** The package in it. */
  readonly path: string;
  /** The archive. */
  readonly archive: string;
}

/** What the consumer has besides: types of Node, and the optional package that the examples use. */
const BESIDE = ['@types', 'hyparquet-writer'];

/** Packs the package, and unpacks it for a consumer; gone when the tests of the file are. */
export function installPackedPackage(): PackedPackage {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-test-package-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const offline = { npm_config_cache: join(folder, 'npm-cache'), npm_config_offline: 'true' };
  mustRun('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: repositoryRoot, env: offline });
  const archive = join(folder, `dmabuf-${readManifest(repositoryRoot).version}.tgz`);
  mustRun('tar', ['-xzf', archive], { cwd: folder });
  const consumer = join(folder, 'consumer');
  const modules = join(consumer, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  const path = join(modules, 'dmabuf');
  mustRun('mv', ['package', path], { cwd: folder });
  for (const name of BESIDE) symlinkSync(join(repositoryRoot, 'node_modules', name), join(modules, name));
  linkProgram(modules);
  return { folder, consumer, path, archive };
}

/** As npm does when it installs a package with a program. */
function linkProgram(modules: string): void {
  const program = readManifest(join(modules, 'dmabuf')).bin['dmabuf'] ?? '';
  symlinkSync(`../dmabuf/${program}`, join(modules, '.bin', 'dmabuf'));
  if (existsSync(join(modules, 'dmabuf', program))) chmodSync(join(modules, 'dmabuf', program), 0o755);
}

export function readManifest(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
}

/** The specifiers by which the package's modules are imported: `dmabuf`, `dmabuf/share`, ... */
export function specifiersOf({ exports }: Manifest): string[] {
  const modules = Object.entries(exports).filter(([, entry]) => typeof entry !== 'string');
  return modules.map(([name]) => `dmabuf${name.slice(1)}`);
}

/** How to run a program. */
interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** @returns the status, and what was written: to stdout alone where all went well */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: RunOptions,
): { readonly status: number | null; readonly output: string } {
  const environment = { ...process.env, npm_config_update_notifier: 'false', NODE_TEST_CONTEXT: undefined, ...env };
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env: environment, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, output: status === 0 ? stdout : `${stdout}${stderr}` };
}

/** @returns what was written to stdout */
export function mustRun(command: string, args: readonly string[], options: RunOptions): string {
  const { status, output } = run(command, args, options);
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${output}`);
  return output;
}
