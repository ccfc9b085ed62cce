// Makes docs/api/, the reference of every entry of package.json, with typedoc: `npm run docs`. It
// fails for a member without documentation, a broken link or a type that is not exported. typedoc
// needs an older TypeScript than the one that builds the package: tools/docs/ has a lock file for
// both.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { installDependencies } from './install.mjs';

/** The sources of the exports in package.json. */
function entryPoints(root) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const types = Object.values(exports).flatMap((entry) => entry.types ?? []);
  return types.map((path) => join(root, path.replace('./dist/', '').replace(/\.d\.ts$/u, '.ts')));
}

function options(root, output) {
  return {
    name: 'dmabuf',
    entryPoints: entryPoints(root),
    tsconfig: join(root, 'tsconfig.json'),
    readme: 'none',
    out: output,
    // What Node's own classes have is documented by Node.
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeProtected: true,
    disableGit: true,
    disableSources: true,
    // Internal building blocks of types, which programs never name.
    intentionallyNotExported: ['Brand', 'FORMATS'],
    treatWarningsAsErrors: true,
    treatValidationWarningsAsErrors: true,
    validation: { notExported: true, invalidLink: true, notDocumented: true },
  };
}

/** Outside the folders that other tools read. */
function installTools(root) {
  const folder = join(root, 'node_modules/.docs-tools');
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(join(root, 'tools/docs', name), join(folder, name));
  installDependencies(folder);
  return folder;
}

export function buildDocs(root) {
  process.exitCode =
    runTypedoc(root, installTools(root), { output: join(root, 'docs/api'), stdio: 'inherit' }).status ?? 1;
}

/**
 * @param tools a folder in whose node_modules typedoc is
 * @returns as spawnSync
 */
export function runTypedoc(root, tools, { output, stdio }) {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-docs-'));
  try {
    const file = join(folder, 'typedoc.json');
    writeFileSync(file, JSON.stringify(options(root, output)));
    const program = join(tools, 'node_modules/typedoc/bin/typedoc');
    return spawnSync(process.execPath, [program, '--options', file], { cwd: root, stdio, encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
