/**
 * What docs/guide/toolchains.md says of bundlers: kept external the package works, taken in it says
 * what to set.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { rollup } from 'rollup';
import type { Plugin } from 'rollup';

import { fetchPackages, folderOf, lackOf } from '../support/processes/fetched-packages.ts';
import { writeFiles } from '../support/runner/temporary-folder.ts';
import { installPackedPackage, mustRun, readManifest } from './packed-package.ts';

const { consumer, path: packed } = installPackedPackage();

writeFiles(consumer, {
  'package.json': '{ "name": "app", "private": true, "type": "module" }',
  'app.js': `
    import { MiB, openHeap, parseSize } from 'dmabuf';
    function run() {
      console.log(parseSize('2MiB'));
      try {
        const heap = openHeap('system', { backends: ['embedded'] });
        const buffer = heap.allocate(MiB);
        console.log(buffer.accessSync('write', (bytes) => bytes.fill(7)[MiB - 1]));
        buffer.close();
        heap.close();
      } catch ({ code, message }) {
        console.log(code, message);
      }
    }
    run();`,
});

const WORKS = /^2097152\n7\n$/u;
const SAYS_WHY =
  /^2097152\nENOENT Cannot load the addon .* as this package was bundled, .*: keep "dmabuf" external in the bundler's settings\n$/u;

type Format = 'esm' | 'cjs';
const FORMATS: Readonly<Record<Format, string>> = { esm: 'mjs', cjs: 'cjs' };

/** @returns the bundle's path */
type Bundle = (format: Format, isExternal: boolean) => Promise<string> | string;

function outputOf(bundler: string, format: Format, isExternal: boolean): string {
  return join(consumer, 'out', `${bundler}-${isExternal ? 'external' : 'inside'}.${FORMATS[format]}`);
}

/** What a bundler's plugins for packages do. */
const findPackage: Plugin = {
  name: 'find-package',
  resolveId: (specifier) => {
    const entry = specifier === 'dmabuf' ? readManifest(packed).exports['.'] : undefined;
    return typeof entry === 'object' ? join(packed, entry.default) : undefined;
  },
};

async function bundleWithRollup(format: Format, isExternal: boolean): Promise<string> {
  const external = [/^node:/u, ...(isExternal ? ['dmabuf'] : [])];
  const plugins = isExternal ? [] : [findPackage];
  const built = await rollup({ input: join(consumer, 'app.js'), external, plugins, logLevel: 'silent' });
  const file = outputOf('rollup', format, isExternal);
  await built.write({ file, format, inlineDynamicImports: true });
  await built.close();
  return file;
}

const esbuild = fetchPackages('esbuild@0.28.2');

function bundleWithEsbuild(format: Format, isExternal: boolean): string {
  const file = outputOf('esbuild', format, isExternal);
  const program = folderOf(esbuild, 'esbuild/bin/esbuild');
  const options = ['--bundle', '--platform=node', `--format=${format}`, `--outfile=${file}`, '--log-level=error'];
  const external = isExternal ? ['--external:dmabuf'] : [];
  mustRun(process.execPath, [program, 'app.js', ...options, ...external], { cwd: consumer });
  return file;
}

const BUNDLERS: readonly (readonly [name: string, bundle: Bundle, skip: string | false])[] = [
  ['rollup', bundleWithRollup, false],
  ['esbuild', bundleWithEsbuild, lackOf(esbuild)],
];

for (const [name, bundle, skip] of BUNDLERS) {
  for (const format of Object.keys(FORMATS) as Format[]) {
    test(`${name}, ${format}: a program that keeps dmabuf external runs`, { skip }, async () => {
      const file = await bundle(format, true);
      assert.match(mustRun(process.execPath, ['--no-warnings', file], { cwd: consumer }), WORKS);
    });
    test(
      `${name}, ${format}: a program that took dmabuf in computes, and says to keep it external`,
      { skip },
      async () => {
        const file = await bundle(format, false);
        assert.match(mustRun(process.execPath, [file], { cwd: consumer }), SAYS_WHY);
      },
    );
  }
}
