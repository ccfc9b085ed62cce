import { DmaBufError } from '../../base/errors.ts';
import { checkName, readOptions } from '../../base/check.ts';
import { contradiction, wrongValue } from '../../base/argument-error.ts';
import { readArray } from '../../base/read-array.ts';
import { Duckdb, EngineError, loadDuckdb } from './duckdb.ts';
import type { DuckdbModule } from './duckdb.ts';
import { findFleetFiles, listFleetSources } from './fleet-files.ts';
import { FLEET_QUESTIONS } from './fleet-rows.ts';
import type { FleetAnswers, FleetBuild, FleetGrowth } from './fleet-rows.ts';
import { preludeFor, readSql } from './sql-text.ts';

const ACTION = 'report on a fleet';
const SOURCES_MAX = 1_000_000;
/** A fleet has some thousand devices and call paths; hostile files invent more. */
const ROWS_MAX = 10_000;

/** For {@link reportFleet}. */
export interface ReportFleetOptions {
  /** Compares this build with {@link ReportFleetOptions.build}. Default: compares none. */
  readonly since?: string | undefined;
  /** The newer build of the comparison. Default: the only other one that there is. */
  readonly build?: string | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

/** What Parquet files of events say of who maps. */
export interface FleetReport extends FleetAnswers {
  /** How many files were read. */
  readonly fileCount: number;
  /** What changed between two builds. Absent: it was not asked. */
  readonly growth?: {
    /** The older build. */
    readonly buildFrom: string;
    /** The newer build. */
    readonly buildTo: string;
    /** Those whose calls grew the most first. */
    readonly drivers: readonly FleetGrowth[];
  };
  /** Answers that have more rows than the 10,000 that are here, by name. */
  readonly cutAnswers: readonly string[];
}

/**
 * Answers who maps, on any number of devices, from Parquet files of {@link writeTraceParquet}: by
 * call path, consumer, device and build. The questions are SQL files in the folder dist/fleet of
 * this package, which other engines answer over the same files (docs/guide/fleets.md).
 *
 * It needs the package `@duckdb/node-api` beside this one.
 *
 * @example
 * ```ts
 * import { isDmaBufError } from 'dmabuf';
 * import { reportFleet } from 'dmabuf/trace';
 *
 * try {
 *   const { growth } = await reportFleet(['traces'], { since: '2026.10', build: '2026.11' });
 *   for (const { driverName, callsRatio } of growth?.drivers ?? []) console.log(driverName, callsRatio);
 * } catch (error) {
 *   if (!isDmaBufError(error)) throw error;
 *   console.log(error.code); // ENOENT
 * }
 * ```
 *
 * @param sources files, folders with files whose names end in `.parquet` at any depth, and patterns
 *   of file names with `*`, `?` and `[…]`
 * @throws {DmaBufError} with code ENOENT where the package is missing (its name is in
 *   `values.package`), or a source; ENOEXEC where the package cannot be loaded; EBADMSG for a file
 *   that is no Parquet file or is damaged; EPROTONOSUPPORT for one with other columns; EINVAL for a
 *   build that no file is of
 */
export async function reportFleet(sources: readonly string[], options: ReportFleetOptions = {}): Promise<FleetReport> {
  const paths = readArray(sources, { action: ACTION, name: 'sources', countMax: SOURCES_MAX }, (source, index) =>
    checkName(source, { action: ACTION, name: `sources[${index}]` }),
  );
  if (paths.length === 0)
    throw wrongValue({ action: ACTION, name: 'sources' }, { must: 'have a file or a folder', received: paths });
  const { since, build, signal } = readOptions(options, ACTION, ['since', 'build', 'signal']);
  if (build !== undefined && since === undefined)
    throw contradiction({ action: ACTION, name: 'build' }, 'since', 'belong together: give the older build as well');
  const wanted = {
    since: since === undefined ? undefined : checkName(since, { action: ACTION, name: 'since' }),
    build: build === undefined ? undefined : checkName(build, { action: ACTION, name: 'build' }),
    signal,
  };
  return await reportFleetWith(loadDuckdb, paths, wanted);
}

/** As {@link reportFleet}, with the engine that is given: it is loaded where there are files. */
export async function reportFleetWith(
  load: () => Promise<DuckdbModule>,
  sources: readonly string[],
  { since, build, signal }: ReportFleetOptions,
): Promise<FleetReport> {
  const listed = await listFleetSources(sources);
  const duckdb = await Duckdb.open(await load(), signal);
  try {
    const files = await findFleetFiles(listed, duckdb);
    const questions = new Questions(duckdb);
    const names = duckdb.nameFiles(files);
    await duckdb.run(preludeFor('duckdb', { files: names }));
    const answers: Partial<Record<keyof FleetAnswers, unknown>> = {};
    for (const name of FLEET_QUESTIONS) answers[name] = await questions.ask(name);
    const fleet = answers as FleetAnswers;
    if (since === undefined) return { fileCount: files.length, ...fleet, cutAnswers: questions.cutAnswers };
    const buildTo = chooseBuild(fleet.builds, since, build);
    await duckdb.run(preludeFor('duckdb', { files: names, buildFrom: since, buildTo }));
    const drivers = (await questions.ask('growth')) as FleetGrowth[];
    const growth = { buildFrom: since, buildTo, drivers };
    return { fileCount: files.length, ...fleet, growth, cutAnswers: questions.cutAnswers };
  } finally {
    duckdb.close();
  }
}

/** Asks what the files of sql/ ask. */
class Questions {
  readonly #duckdb: Duckdb;
  readonly cutAnswers: string[] = [];

  constructor(duckdb: Duckdb) {
    this.#duckdb = duckdb;
  }

  async ask(name: string): Promise<unknown[]> {
    try {
      const { rows, isCut } = await this.#duckdb.ask(readSql(name), ROWS_MAX);
      if (isCut) this.cutAnswers.push(name);
      return rows.map(toPlainRow);
    } catch (cause) {
      if (!(cause instanceof EngineError)) throw cause;
      throw new DmaBufError(
        `Cannot ${ACTION} as one of its files is damaged, or too large for this machine: ${cause.message}`,
        { code: 'EBADMSG', values: { question: name }, cause },
      );
    }
  }
}

/** Names as JavaScript has them, numbers as it counts, and nothing for what is not known. */
function toPlainRow(row: Readonly<Record<string, unknown>>): object {
  const known = Object.entries(row).filter(([, value]) => value !== null);
  return Object.fromEntries(
    known.map(([name, value]) => [
      name.replaceAll(/_(?<letter>\w)/gu, (_, letter: string) => letter.toUpperCase()),
      typeof value === 'bigint' ? Number(value) : value,
    ]),
  );
}

function chooseBuild(builds: readonly FleetBuild[], since: string, build: string | undefined): string {
  const names = builds.flatMap(({ build: name }) => name ?? []);
  const list = names.length === 0 ? 'no file has one' : `the files have ${names.join(', ')}`;
  const refuse = (what: string): DmaBufError =>
    new DmaBufError(`Cannot compare builds as ${what}: ${list}`, { code: 'EINVAL', values: { since } });
  const others = names.filter((name) => name !== since);
  const [only] = others;
  if (!names.includes(since)) throw refuse(`no file is of the build ${since}`);
  if (build === undefined && others.length === 1 && only !== undefined) return only;
  if (build === undefined) throw refuse(`the newer one of them has to be named`);
  if (!others.includes(build)) throw refuse(`no file is of another build ${build}`);
  return build;
}
