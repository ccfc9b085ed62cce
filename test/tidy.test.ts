/** The rules of this repository. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { test } from 'node:test';

import { listFiles, parseSource, readSourceFiles, repositoryRoot } from './support/runner/source-files.ts';
import type { SourceFile, SourceImport } from './support/runner/source-files.ts';

/** A file imports from its own folder and from those before it, never from later ones. */
const FOLDERS = readFolderOrder();
/** They compute, and import only each other and the folder below all. */
const PURE_FOLDERS = new Set(['sg', 'pages']);
const BORDER = 'src/linux/calls/kernel-calls.ts';
const BORDER_LOADER = 'src/linux/calls/native-border.ts';
const LINES_MAX = 400;
const PROSE_COLUMNS = 100;
/** AssemblyScript: another language in the same spelling. */
const ASSEMBLY = /^src\/(?:sg|blit)\/assembly\//u;
/** Split, or this very line would be found. */
const UNFINISHED = new RegExp(`\\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`, 'u');
const NAME_FOR_ANYTHING = /(?:^|-)(?:utils?|helpers?|common|managers?|misc)$/u;
const TEST_FILE = /\.(?:test|fuzz)\.ts$/u;

const files = readSourceFiles(['src', 'test', 'bench', 'examples', 'vm']).filter(({ path }) => !ASSEMBLY.test(path));
const source = files.filter(({ path }) => path.startsWith('src/'));
const product = source.filter(({ path }) => !TEST_FILE.test(path));

function assertNone(offenders: readonly string[], rule: string): void {
  assert.ok(offenders.length === 0, `${rule}:\n  ${offenders.join('\n  ')}`);
}

/** The rows of the table in docs/architecture.md, in their order. */
function readFolderOrder(): string[] {
  const text = readFileSync(join(repositoryRoot, 'docs/architecture.md'), 'utf8');
  return [...text.matchAll(/^\| `(?<folder>[a-z\d]+)\/` \|/gmu)].flatMap(({ groups }) => groups?.['folder'] ?? []);
}

/** `src/heap/view.ts` is in `heap`; `src/index.ts` is in none. */
function folderOf(path: string): string | undefined {
  return /^src\/(?<folder>[^/]+)\//u.exec(path)?.groups?.['folder'];
}

function linesMatching(file: SourceFile, pattern: RegExp): string[] {
  return file.code.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}`] : []));
}

/**
 * Where the package can be entered: what package.json exports, and its program, which is made of
 * src/cli/main.ts.
 */
function entryPaths(): Set<string> {
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    exports: Record<string, { types?: string } | string>;
  };
  const types = Object.values(manifest.exports).map((entry) => (typeof entry === 'string' ? entry : entry.types));
  const sources = types.map((path) => (path ?? '').replace(/^\.\/dist\//u, '').replace(/\.d\.ts$/u, '.ts'));
  return new Set([...sources, 'src/cli/main.ts']);
}

test('parseSource finds imports, exports and comments, which the rules below rely on', () => {
  const text = [
    "import { b, type c as d } from '../x/y.ts'; // import { no } from './no.ts'",
    "import type {\n  E,\n} from './e.ts';",
    "import * as all from 'a-package';",
    "export { f as g } from './f.ts';",
    '/* export const no = 1; */',
    "export const h = 'import { no } from ./no.ts // kept';",
    "export async function i() { return await import('./support/runner/source-files.ts'); }",
  ].join('\n');
  const file = parseSource('src/a/z.ts', text);
  assert.deepEqual(
    file.imports.map(({ specifier, target, isType, names }) => [specifier, target, isType, names.join(' ')]),
    [
      ['../x/y.ts', 'src/x/y.ts', false, 'b c'],
      ['./e.ts', 'src/a/e.ts', true, 'E'],
      ['a-package', undefined, false, '*'],
      ['./f.ts', 'src/a/f.ts', false, 'f'],
      ['./support/runner/source-files.ts', 'src/a/support/runner/source-files.ts', false, '*'],
    ],
  );
  assert.deepEqual(file.exports, ['h', 'i', 'g']);
  assert.ok(file.code.includes('// kept'));
});

test('every file of src imports from its own folder and from the folders before it', () => {
  const offenders = product.flatMap((file) =>
    file.imports.flatMap(({ target }) => {
      const [own, other] = [folderOf(file.path), folderOf(target ?? '')];
      if (own === undefined || other === undefined) return [];
      return FOLDERS.indexOf(other) > FOLDERS.indexOf(own) ? [`${file.path} imports ${target}`] : [];
    }),
  );
  assertNone(offenders, `Imports go one way, from right to left in ${FOLDERS.join(', ')}`);
});

test('docs/architecture.md lists every folder of src, each once, and no other', () => {
  const folders = new Set(product.flatMap(({ path }) => folderOf(path) ?? []));
  assert.deepEqual(FOLDERS.toSorted(), [...folders].toSorted());
});

test('no file of src imports from outside src, or imports src/index.ts', () => {
  const offenders = product.flatMap((file) =>
    file.imports
      .filter(({ target }) => target !== undefined && (!target.startsWith('src/') || target === 'src/index.ts'))
      .map(({ target }) => `${file.path} imports ${target}`),
  );
  assertNone(offenders, 'src stands alone, and its index.ts is for users of the package');
});

test('no file of src imports a package, but the page in the browser, whose packages are packed with it', () => {
  const offenders = product.flatMap((file) =>
    file.path.startsWith('src/lab/page/')
      ? []
      : file.imports
          .filter(({ specifier, target }) => target === undefined && !specifier.startsWith('node:'))
          .map(({ specifier }) => `${file.path} imports ${specifier}`),
  );
  assertNone(offenders, 'The package has no dependencies');
});

test('what src loads where users have installed it is named in package.json, as optional', () => {
  const { peerDependenciesMeta } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    peerDependenciesMeta: Record<string, { optional: boolean }>;
  };
  const loaded = product.flatMap(({ code }) =>
    [...code.matchAll(/(?:loadOptionalPackage<\w+>|refuseMissingPackage)\(\{\s*name: '(?<name>[^']+)'/gu)].map(
      ({ groups }) => groups?.['name'],
    ),
  );
  // The types are for compilers, and are never loaded.
  const named = Object.keys(peerDependenciesMeta).filter((name) => name !== '@types/node');
  assert.deepEqual(loaded.toSorted(), named);
  assert.ok(Object.values(peerDependenciesMeta).every(({ optional }) => optional));
});

test('only src/linux/calls/kernel-calls.ts loads the addon, and only src/linux/calls/native-border.ts can', () => {
  const loads = product.filter(({ code }) => /\b(?:createRequire|dlopen)\b/u.test(code)).map(({ path }) => path);
  const callers = product
    .filter((file) => file.imports.some(({ target }) => target === BORDER_LOADER))
    .map(({ path }) => path);
  assert.deepEqual(loads, [BORDER_LOADER]);
  assert.deepEqual(callers, [BORDER], `Calls out of JavaScript are made in ${BORDER} alone`);
});

test('src/sg and src/pages are pure: they touch no file, call no C, and import nothing that does', () => {
  const isPure = ({ specifier, target }: SourceImport): boolean => {
    const folder = folderOf(target ?? '');
    if (folder !== undefined) return folder === 'base' || PURE_FOLDERS.has(folder);
    return !specifier.startsWith('node:fs');
  };
  const offenders = product
    .filter(({ path }) => PURE_FOLDERS.has(folderOf(path) ?? ''))
    .flatMap((file) =>
      file.imports.filter((one) => !isPure(one)).map((one) => `${file.path} imports ${one.specifier}`),
    );
  assertNone(offenders, 'These folders only compute');
});

test('every relative import names a file that exists', () => {
  const offenders = files.flatMap((file) =>
    file.imports
      .filter(({ target }) => target !== undefined && !existsSync(join(repositoryRoot, target)))
      .map(({ specifier }) => `${file.path} imports ${specifier}`),
  );
  assertNone(offenders, 'There are no such files');
});

test(`no file of src has more than ${LINES_MAX} lines`, () => {
  const offenders = source.flatMap(({ path, text }) => {
    const lineCount = text.trimEnd().split('\n').length;
    return lineCount > LINES_MAX ? [`${path} has ${lineCount}`] : [];
  });
  assertNone(offenders, 'Split these files');
});

test('nothing is exported as default', () => {
  const offenders = files.filter((file) => file.exports.includes('default') || /^export\s+default\b/mu.test(file.code));
  assertNone(
    offenders.map(({ path }) => path),
    'Exports have names',
  );
});

test('nothing in src prints, but for src/cli', () => {
  const printing = product.filter(({ path }) => folderOf(path) !== 'cli');
  const pattern = /\bconsole\.|\bprocess\.std(?:out|err)\b/u;
  assertNone(
    printing.flatMap((file) => linesMatching(file, pattern)),
    'Library code returns, throws, or calls process.emitWarning',
  );
});

test('no module of src has state that changes', () => {
  const offenders = product.flatMap((file) => linesMatching(file, /^(?:export\s+)?(?:let|var)\b/u));
  assertNone(offenders, 'State belongs into objects');
});

test('no file is named for holding anything', () => {
  const paths = ['src', 'test', 'bench', 'examples', 'tools', 'vm'].flatMap((folder) => listFiles(folder));
  const offenders = paths.filter((path) =>
    path.split('/').some((part) => NAME_FOR_ANYTHING.test(part.split('.')[0] ?? '')),
  );
  assertNone(offenders, 'Name these after what they hold');
});

test('nothing is marked as unfinished', () => {
  const paths = ['src', 'test', 'bench', 'examples', 'tools', 'vm', 'docs'].flatMap((folder) => listFiles(folder));
  const offenders = paths.flatMap((path) => {
    const lines = readFileSync(join(repositoryRoot, path), 'utf8').split('\n');
    return lines.flatMap((line, index) => (UNFINISHED.test(line) ? [`${path}:${index + 1}`] : []));
  });
  assertNone(offenders, 'Finish it, or write down elsewhere what is left');
});

test('every test file has a test', () => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const hasTest = (file: SourceFile | undefined, seen: Set<string>): boolean => {
    if (file === undefined || seen.has(file.path)) return false;
    seen.add(file.path);
    if (/\b(?:test|it)\(/u.test(file.code)) return true;
    // A suite that runs over several subjects has its tests in files beside it.
    return file.imports.some(({ target }) => target?.startsWith('test/') === true && hasTest(byPath.get(target), seen));
  };
  const offenders = files.filter(({ path }) => TEST_FILE.test(path)).filter((file) => !hasTest(file, new Set()));
  assertNone(
    offenders.map(({ path }) => path),
    'These files test nothing',
  );
});

test('every export is imported somewhere', () => {
  const entries = entryPaths();
  const used = new Set(
    files.flatMap((file) => file.imports.flatMap(({ target, names }) => names.map((name) => `${target} ${name}`))),
  );
  const offenders = product
    .filter(({ path }) => !entries.has(path))
    .flatMap(({ path, exports }) =>
      exports
        .filter((name) => !used.has(`${path} ${name}`) && !used.has(`${path} *`))
        .map((name) => `${path}: ${name}`),
    );
  assertNone(offenders, 'Take "export" away, or what it exports');
});

/** GitHub's own: what a heading is called in a link. */
function anchorsOf(markdown: string): Set<string> {
  const headings = withoutCode(markdown).matchAll(/^#{1,6}\s+(?<title>.+?)\s*$/gmu);
  const anchors = [...headings].map(({ groups }) =>
    (groups?.['title'] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/gu, '-'),
  );
  return new Set(anchors);
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^```[^]*?^```/gmu, '');
}

function isBroken(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : posix.normalize(posix.join(dirname(page), path));
  if (!existsSync(join(repositoryRoot, target))) return true;
  if (anchor === undefined || !target.endsWith('.md')) return false;
  return !anchorsOf(readFileSync(join(repositoryRoot, target), 'utf8')).has(anchor);
}

const pages = ['README.md', 'CHANGELOG.md', ...listFiles('docs').filter((path) => path.endsWith('.md'))].filter(
  (path) => existsSync(join(repositoryRoot, path)),
);

test(
  'every relative link in README.md, CHANGELOG.md and docs leads somewhere',
  { skip: pages.length === 0 ? 'there is no page yet' : false },
  () => {
    const offenders = pages.flatMap((page) => {
      const markdown = withoutCode(readFileSync(join(repositoryRoot, page), 'utf8'));
      const links = [...markdown.matchAll(/\]\((?<link>[^)\s]+)[^)]*\)/gu)].map(({ groups }) => groups?.['link'] ?? '');
      return links
        .filter((link) => !/^[a-z]+:/u.test(link) && isBroken(page, link))
        .map((link) => `${basename(page)}: ${link}`);
    });
    assertNone(offenders, 'These links lead nowhere');
  },
);

test('comments and prose end at 100 columns', () => {
  const isComment = (line: string): boolean => /^\s*(?:\/\/|\/\*|\*(?: |$))/u.test(line);
  const isUnbreakable = (line: string): boolean => /https?:|oxlint-/u.test(line);
  const comments = files.flatMap(({ path, text }) => {
    let isExample = false;
    return text.split('\n').flatMap((line, index) => {
      if (/^\s*\* ```/u.test(line)) isExample = !isExample;
      const isLong = line.length > PROSE_COLUMNS && isComment(line) && !isUnbreakable(line);
      return isLong && !isExample ? [`${path}:${index + 1}`] : [];
    });
  });
  const prose = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...listFiles('docs')]
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) => longProse(path));
  assertNone([...comments, ...prose], `These lines have more than ${PROSE_COLUMNS} columns`);
});

/** Outside of code and tables, whose lines cannot be broken. */
function longProse(path: string): string[] {
  let isCode = false;
  return readFileSync(join(repositoryRoot, path), 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (line.trimStart().startsWith('```')) isCode = !isCode;
      const isTable = line.startsWith('|');
      return line.length > PROSE_COLUMNS && !isCode && !isTable && !line.includes('](') ? [`${path}:${index + 1}`] : [];
    });
}
