/**
 * Programs of others with the package: Jest, tsx, and what checks how packages are put together.
 */

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { EXAMPLE_OUTPUT } from '../examples/example-output.ts';
import { fetchPackages, folderOf, lackOf } from '../support/processes/fetched-packages.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { writeFiles } from '../support/runner/temporary-folder.ts';
import { installPackedPackage, mustRun, readManifest, specifiersOf } from './packed-package.ts';

const { consumer, archive, path } = installPackedPackage();

const typesWrong = fetchPackages('@arethetypeswrong/cli@0.18.5');
test(
  '@arethetypeswrong/cli finds nothing wrong with how types and modules are found',
  { skip: lackOf(typesWrong) },
  () => {
    const program = folderOf(typesWrong, '@arethetypeswrong/cli/dist/index.js');
    // The package is ES modules, which require() loads on every Node that it is for.
    const output = mustRun(process.execPath, [program, archive, '--profile', 'esm-only', '--format', 'ascii'], {
      cwd: consumer,
    });
    for (const specifier of specifiersOf(readManifest(path))) {
      assert.ok(output.includes(`"${specifier}"\n\nnode16 (from ESM): 🟢 (ESM)\nbundler: 🟢`), output);
    }
  },
);

const jest = fetchPackages('jest@30.5.2');
test(
  'Jest runs a CommonJS test that imports the package, with --experimental-vm-modules',
  { skip: lackOf(jest) },
  () => {
    const folder = join(consumer, 'jest');
    writeFiles(folder, {
      'package.json': '{ "private": true, "jest": { "testEnvironment": "node", "transform": {} } }',
      'buffer.test.js': `
      test('a buffer is written to', async () => {
        const { MiB, isDmaBufError, openHeap } = await import('dmabuf');
        const heap = openHeap('system', { backends: ['embedded'] });
        const buffer = heap.allocate(MiB);
        expect(buffer.accessSync('write', (bytes) => bytes.fill(7)[MiB - 1])).toBe(7);
        buffer.close();
        heap.close();
        await expect(buffer.access('read', () => {})).rejects.toMatchObject({ code: 'ERR_DMABUF_CLOSED' });
        await buffer.access('read', () => {}).catch((error) => expect(isDmaBufError(error)).toBe(true));
      });`,
    });
    const options = [
      '--experimental-vm-modules',
      '--no-warnings',
      folderOf(jest, 'jest/bin/jest.js'),
      '--ci',
      '--json',
    ];
    const report = JSON.parse(mustRun(process.execPath, options, { cwd: folder })) as { numPassedTests: number };
    assert.equal(report.numPassedTests, 1);
  },
);

const tsx = fetchPackages('tsx@4.23.15');
/** Those that need no device. */
const examples = Object.keys(EXAMPLE_OUTPUT);
const nodeLine = Number(process.versions.node.split('.')[0]);

/** Why tsx cannot run the example. */
function lackOfTsx(name: string): string | false {
  const needsNode22 = name === 'worker-thread.ts' && nodeLine < 22;
  return needsNode22 ? 'tsx has worker threads of TypeScript on Node 22 and newer' : lackOf(tsx);
}

for (const name of examples) {
  test(`tsx runs examples/${name}, and what that starts`, { skip: lackOfTsx(name) }, () => {
    writeFiles(consumer, { 'package.json': '{ "private": true, "type": "module" }' });
    copyFileSync(join(repositoryRoot, 'examples', name), join(consumer, name));
    const output = mustRun(process.execPath, [folderOf(tsx, 'tsx/dist/cli.mjs'), name], { cwd: consumer });
    assert.match(output, EXAMPLE_OUTPUT[name]?.(process.execPath) ?? /^What it writes is not known here$/u);
  });
}
