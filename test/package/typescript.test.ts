/**
 * The package's types, in projects of every TypeScript that it is for: libraries are checked, and
 * nothing is set for Node.
 */

import assert from 'node:assert/strict';
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { fetchPackages, folderOf, lackOf } from '../support/processes/fetched-packages.ts';
import type { FetchedPackages } from '../support/processes/fetched-packages.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { writeFiles } from '../support/runner/temporary-folder.ts';
import { installPackedPackage, readManifest, run, specifiersOf } from './packed-package.ts';

/** The oldest that the types are for, the last of each line, and the newest. */
const VERSIONS = ['5.7.3', '5.9.3', '6.0.3', '7.0.2'];

/** What projects set: how modules are found, and whether there is a DOM. */
const PROJECTS: Readonly<Record<string, object>> = {
  'NodeNext, with the DOM': { module: 'NodeNext' },
  'Bundler, without the DOM': { module: 'ESNext', moduleResolution: 'Bundler', lib: ['ES2022'] },
};

const { consumer, path: packed } = installPackedPackage();
const specifiers = specifiersOf(readManifest(packed));
const examples = readdirSync(join(repositoryRoot, 'examples')).filter((name) => name.endsWith('.ts'));

writeFiles(consumer, {
  'package.json': '{ "private": true, "type": "module" }',
  ...Object.fromEntries(specifiers.map((specifier, index) => [`entry-${index}.ts`, entry(specifier)])),
  // Were the types missing, this would be no error, and the directive would be one.
  'mistake.ts': `
    import { openHeap } from 'dmabuf';
    // @ts-expect-error -- a length is a number
    openHeap('system').allocate('4096');`,
  'words.ts': `
    import { openHeap } from 'dmabuf';
    import type { BufferView, DmaBuf } from 'dmabuf';
    const buffer: DmaBuf = openHeap('system').allocate(4096, { name: 'typed' });
    const view: BufferView = buffer.vmap();
    export const words: Uint32Array = view.as(Uint32Array);`,
});
for (const name of examples) copyFileSync(join(repositoryRoot, 'examples', name), join(consumer, name));

/** Alone, so that no other entry brings what its types need. */
function entry(specifier: string): string {
  return `export * from '${specifier}';\n`;
}

function compile(fetched: FetchedPackages, files: readonly string[], options: object): string {
  const compilerOptions = { target: 'ES2022', strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
  const config = { compilerOptions: { ...compilerOptions, noEmit: true, ...options }, files };
  writeFiles(consumer, { 'tsconfig.json': JSON.stringify(config) });
  const tsc = folderOf(fetched, 'typescript/bin/tsc');
  return run(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: consumer }).output;
}

const everyFile = ['mistake.ts', 'words.ts', ...specifiers.map((_, index) => `entry-${index}.ts`), ...examples];

for (const version of VERSIONS) {
  const fetched = fetchPackages(`typescript@${version}`);
  for (const [project, options] of Object.entries(PROJECTS)) {
    test(`TypeScript ${version} compiles programs: ${project}`, { skip: lackOf(fetched) }, () => {
      assert.equal(compile(fetched, everyFile, options), '');
    });
  }
}

const newest = fetchPackages(`typescript@${VERSIONS.at(-1)}`);
for (const [index, specifier] of specifiers.entries()) {
  test(`the types of ${specifier} stand on their own`, { skip: lackOf(newest) }, () => {
    for (const options of Object.values(PROJECTS)) assert.equal(compile(newest, [`entry-${index}.ts`], options), '');
  });
}
