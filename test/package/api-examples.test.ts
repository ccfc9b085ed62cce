/**
 * Every exported function and class has an example in its documentation, and every example does
 * what it says.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { before, test } from 'node:test';

import { repositoryRoot } from '../support/runner/source-files.ts';
import { writeFiles } from '../support/runner/temporary-folder.ts';
import { installPackedPackage, mustRun, readManifest } from './packed-package.ts';

const { consumer, path: packed } = installPackedPackage();
const { exports } = readManifest(packed);

const EXPORT_LIST = /^export \{(?<names>[^}]*)\} from '(?<module>[^']+)';/gmu;
const EXAMPLE = /@example\s*\n \* ```ts\n(?<lines>(?: \*.*\n)*?) \* ```/u;
/** What a line of output is to be. */
const EXPECTED = /console\.log\(.*\);? \/\/ (?<text>.+)$/gmu;

/** An exported function or class. */
interface Documented {
  readonly name: string;
  /** Undefined where it has none. */
  readonly example: string | undefined;
}

/** What an entry exports that can be called, with what its declarations say of it. */
function documentedIn(types: string): Documented[] {
  const path = join(packed, types);
  return [...readFileSync(path, 'utf8').matchAll(EXPORT_LIST)].flatMap(({ groups }) => {
    const { names = '', module = '' } = groups ?? {};
    const declarations = readFileSync(resolve(dirname(path), module.replace(/\.ts$/u, '.d.ts')), 'utf8');
    return names
      .split(',')
      .map((name) => name.trim())
      .filter((name) =>
        new RegExp(`^export declare (?:abstract )?(?:function|class) ${name}\\b`, 'mu').test(declarations),
      )
      .map((name) => ({ name, example: exampleOf(name, declarations) }));
  });
}

/** From the comment before its declaration, or before the first of its signatures. */
function exampleOf(name: string, declarations: string): string | undefined {
  const at = declarations.search(new RegExp(`^export declare (?:abstract )?(?:function|class) ${name}\\b`, 'mu'));
  const comment = declarations.slice(declarations.lastIndexOf('/**', at), at);
  const lines = EXAMPLE.exec(comment)?.groups?.['lines'];
  return lines?.replaceAll(/^ \* ?/gmu, '');
}

function expectedOutput(example: string): string {
  return [...example.matchAll(EXPECTED)].map(({ groups }) => `${groups?.['text']}\n`).join('');
}

const documented = Object.entries(exports).flatMap(([subpath, entry]) =>
  typeof entry === 'string' ? [] : documentedIn(entry.types).map(({ name, example }) => ({ subpath, name, example })),
);
const examples = documented.flatMap(({ name, example }) => (example === undefined ? [] : [{ name, example }]));

before(() => {
  writeFiles(consumer, {
    'package.json': '{ "private": true, "type": "module" }',
    ...Object.fromEntries(examples.map(({ name, example }) => [`${name}.ts`, example])),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        module: 'NodeNext',
        strict: true,
        noUncheckedIndexedAccess: true,
        outDir: 'out',
      },
      files: examples.map(({ name }) => `${name}.ts`),
    }),
  });
  mustRun(join(repositoryRoot, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], { cwd: consumer });
});

test('every exported function and class has an example', () => {
  assert.ok(documented.length > 20, `${documented.length} were found`);
  const without = documented.filter(({ example }) => example === undefined);
  assert.deepEqual(
    without.map(({ subpath, name }) => `${subpath}: ${name}`),
    [],
  );
});

for (const { name, example } of examples) {
  test(`the example of ${name} writes what it says`, () => {
    assert.equal(mustRun(process.execPath, [join('out', `${name}.js`)], { cwd: consumer }), expectedOutput(example));
  });
}
