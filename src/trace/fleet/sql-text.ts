import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { DmaBufError } from '../../base/errors.ts';
import { packageFile } from '../../base/package-file.ts';

/** Engines that there is a prelude for: what makes the relations `events` and `compared` there. */
type SqlEngine = 'clickhouse' | 'duckdb' | 'spark' | 'trino';

/** Folder of the package with the SQL (tools/build.mjs). */
const FOLDER = 'dist/fleet';
/** In these, a backslash in a text begins an escape. */
const HAS_ESCAPES: ReadonlySet<SqlEngine> = new Set<SqlEngine>(['clickhouse', 'spark']);

/** What a prelude is filled in with. */
interface PreludeValues {
  readonly files: readonly string[];
  readonly buildFrom?: string | undefined;
  readonly buildTo?: string | undefined;
}

/**
 * The text of a file of src/trace/fleet/sql.
 *
 * @throws {DmaBufError} with code ENOENT where the package was bundled without its files
 */
export function readSql(name: string): string {
  const folder = packageFile(FOLDER, import.meta.url);
  if (folder === undefined) {
    throw new DmaBufError(
      'Cannot ask a fleet as the SQL is not beside this code, which a bundler has taken out of its package: leave "dmabuf" out of the bundle',
      { code: 'ENOENT', values: {} },
    );
  }
  return readFileSync(join(folder, `${name}.sql`), 'utf8');
}

/** The statements that an engine needs before the questions. */
export function preludeFor(engine: SqlEngine, { files, buildFrom = '', buildTo = '' }: PreludeValues): string {
  const quote = (text: string): string => quoteText(engine, text);
  const values: Readonly<Record<string, string>> = {
    '{files}': files.map(quote).join(', '),
    '{build_from}': quote(buildFrom),
    '{build_to}': quote(buildTo),
  };
  return readSql(engine).replaceAll(/\{\w+\}/gu, (name) => values[name] ?? name);
}

function quoteText(engine: SqlEngine, text: string): string {
  const escaped = HAS_ESCAPES.has(engine) ? text.replaceAll('\\', '\\\\') : text;
  return `'${escaped.replaceAll("'", HAS_ESCAPES.has(engine) ? String.raw`\'` : "''")}'`;
}
