import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository: this file is compiled to dist/test/support/. */
export const repositoryRoot: string = fileURLToPath(new URL('../../../../', import.meta.url));

/** One `import … from` or `export … from`. */
export interface SourceImport {
  readonly specifier: string;
  /** The file it means, from the repository's root; undefined for a package or a module of Node. */
  readonly target: string | undefined;
  /** `import type`. */
  readonly isType: boolean;
  /** The names as the imported file has them; `*` for all of them. */
  readonly names: readonly string[];
}

/**
 * What the repository's rules look at in a TypeScript file. Found by text, not by a parser: enough
 * for formatted code.
 */
export interface SourceFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
  /** The text with its comments blanked out. */
  readonly code: string;
  readonly imports: readonly SourceImport[];
  readonly exports: readonly string[];
}

const COMMENT_OR_STRING = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[^]*?\*\/|\/\/[^\n]*/gu;
const FROM = /^(?:import|export)\s+(?<type>type\s+)?(?:(?<clause>[^'";]*?)\s*from\s*)?'(?<specifier>[^']+)'/gmu;
const DYNAMIC_IMPORT = /\bimport\(\s*'(?<specifier>[^']+)'/gu;
const DECLARATION =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const|let|function\*?|class|interface|type|enum)\s+(?<name>[\w$]+)/gmu;
const EXPORT_LIST = /^export\s+(?:type\s+)?\{(?<list>[^}]*)\}/gmu;

export function readSourceFiles(folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) => listFiles(folder))
    .filter((path) => /\.tsx?$/u.test(path) && !path.endsWith('.generated.ts'))
    .map((path) => parseSource(path, readFileSync(join(repositoryRoot, path), 'utf8')));
}

/** Every file in `folder`, as a path from `root`, sorted. None where there is no such folder. */
export function listFiles(folder: string, root: string = repositoryRoot): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => posix.relative(root, posix.join(entry.parentPath, entry.name)))
      .toSorted();
  } catch {
    return [];
  }
}

export function parseSource(path: string, text: string): SourceFile {
  const code = text.replace(COMMENT_OR_STRING, (found) =>
    found.startsWith('/') ? found.replace(/[^\n]/gu, ' ') : found,
  );
  const fixed = [...code.matchAll(FROM)].map(({ groups }) =>
    importOf(path, groups?.['specifier'] ?? '', {
      isType: groups?.['type'] !== undefined,
      names: namesOfClause(groups?.['clause'] ?? '*'),
    }),
  );
  const dynamic = [...code.matchAll(DYNAMIC_IMPORT)].map(({ groups }) =>
    importOf(path, groups?.['specifier'] ?? '', { isType: false, names: ['*'] }),
  );
  const declared = [...code.matchAll(DECLARATION)].map(({ groups }) => groups?.['name'] ?? '');
  const listed = [...code.matchAll(EXPORT_LIST)].flatMap(({ groups }) => namesOfList(groups?.['list'] ?? '', 'after'));
  return { path, text, code, imports: [...fixed, ...dynamic], exports: [...declared, ...listed] };
}

function importOf(path: string, specifier: string, what: Pick<SourceImport, 'isType' | 'names'>): SourceImport {
  const target = specifier.startsWith('.') ? posix.join(dirname(path), specifier) : undefined;
  return { specifier, target, isType: what.isType, names: what.names };
}

/** `{ a, type b as c }`, `* as all`, `fallback`. */
function namesOfClause(clause: string): string[] {
  if (clause.includes('*')) return ['*'];
  const list = /\{(?<list>[^}]*)\}/u.exec(clause)?.groups?.['list'];
  return list === undefined ? ['default'] : namesOfList(list, 'before');
}

function namesOfList(list: string, side: 'before' | 'after'): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim().replace(/^type\s+/u, ''))
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [before = '', after = before] = entry.split(/\s+as\s+/u);
      return side === 'before' ? before : after;
    });
}
