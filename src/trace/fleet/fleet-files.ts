import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';

import { DmaBufError } from '../../base/errors.ts';
import { SCHEMA_KEY, SCHEMA_VERSION } from '../export/parquet/event-columns.ts';
import { statIfThere, withFileRefusals } from '../file-refusal.ts';
import { EngineError, isPattern } from './duckdb.ts';
import type { Duckdb } from './duckdb.ts';
import { findParquetFault } from './parquet-footer.ts';

const SUFFIX = '.parquet';
/** More would help nobody, and their names have to be held. */
const FILES_MAX = 1_000_000;

/** What a source means: files, or a pattern, which the engine reads. */
type FleetSource = { readonly files: readonly string[] } | { readonly pattern: string };

/**
 * Looks at sources, as far as that needs no engine: files, folders with files in them at any depth,
 * patterns.
 *
 * @throws {DmaBufError} with code ENOENT for a source that means none
 */
export async function listFleetSources(sources: readonly string[]): Promise<FleetSource[]> {
  const listed: FleetSource[] = [];
  for (const source of sources) listed.push(await listSource(source));
  return listed;
}

/**
 * The Parquet files that sources mean.
 *
 * @throws {DmaBufError} with code ENOENT for a pattern that means none, EBADMSG for a file that is
 *   no Parquet file, EPROTONOSUPPORT for one with other columns
 */
export async function findFleetFiles(sources: readonly FleetSource[], duckdb: Duckdb): Promise<string[]> {
  // By the place that links lead to: nothing counts twice.
  const found = new Map<string, string>();
  for (const source of sources)
    for (const file of 'files' in source ? source.files : await matchPattern(source.pattern, duckdb))
      found.set(await withFileRefusals({ action: 'read', path: file }, async () => await realpath(file)), file);
  const files = [...found.values()];
  for (const file of files) {
    const fault = await withFileRefusals({ action: 'read', path: file }, async () => await findParquetFault(file));
    if (fault !== undefined) throw damaged(file, fault);
  }
  await checkVersions(files, duckdb);
  return files;
}

async function listSource(source: string): Promise<FleetSource> {
  const stats = await statIfThere(source);
  if (stats?.isDirectory() === true) return { files: await filesBelow(source) };
  if (stats !== undefined) return { files: [source] };
  if (isPattern(source)) return { pattern: source };
  throw noSuchFile(source);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await withFileRefusals(
    { action: 'read', path: folder },
    async () => await readdir(folder, { recursive: true, withFileTypes: true }),
  );
  const found = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith(SUFFIX));
  if (found.length > 0) return found.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  throw new DmaBufError(
    `Cannot read ${folder} as no file in it has a name that ends in ${SUFFIX}: "dmabuf trace export --parquet" writes them`,
    { code: 'ENOENT', values: { path: folder } },
  );
}

async function matchPattern(pattern: string, duckdb: Duckdb): Promise<string[]> {
  const { rows } = await duckdb.ask(`SELECT file FROM glob(${quote(pattern)}) ORDER BY file`, FILES_MAX);
  if (rows.length === 0) throw noSuchFile(pattern);
  return rows.map(({ file }) => String(file));
}

function noSuchFile(source: string): DmaBufError {
  return new DmaBufError(`Cannot read ${source} as there is no such file`, {
    code: 'ENOENT',
    values: { path: source },
  });
}

async function checkVersions(files: readonly string[], duckdb: Duckdb): Promise<void> {
  try {
    await checkVersionsAtOnce(files, duckdb);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    // Which of them it is, the engine does not always say.
    if (files.length > 1) for (const file of files) await checkVersions([file], duckdb);
    throw damaged(files[0] ?? '', `it is damaged: ${error.message}`, error);
  }
}

async function checkVersionsAtOnce(files: readonly string[], duckdb: Duckdb): Promise<void> {
  const names = duckdb.nameFiles(files);
  const { rows } = await duckdb.ask(
    `SELECT file_name, CAST(value AS VARCHAR) AS version FROM parquet_kv_metadata([${names.map(quote).join(', ')}])
     WHERE key = CAST('${SCHEMA_KEY}' AS BLOB)`,
    FILES_MAX,
  );
  const versions = new Map(rows.map(({ file_name, version }) => [String(file_name), String(version)]));
  for (const [index, file] of files.entries()) {
    const version = versions.get(names[index] ?? '');
    if (version === SCHEMA_VERSION) continue;
    const reason =
      version === undefined
        ? 'it has no events of mappings: "dmabuf trace export --parquet" writes them'
        : `its columns are of version ${version}, and this dmabuf reads version ${SCHEMA_VERSION}: export the trace anew`;
    throw new DmaBufError(`Cannot read ${file} as ${reason}`, { code: 'EPROTONOSUPPORT', values: { path: file } });
  }
}

function damaged(file: string, fault: string, cause?: unknown): DmaBufError {
  return new DmaBufError(`Cannot read ${file} as ${fault}`, { code: 'EBADMSG', values: { path: file }, cause });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
