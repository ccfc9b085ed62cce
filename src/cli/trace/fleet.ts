import { stat } from 'node:fs/promises';

import { reportFleet } from '../../trace/fleet/report-fleet.ts';
import type { FleetReport } from '../../trace/fleet/report-fleet.ts';
import { isPattern } from '../../trace/fleet/duckdb.ts';
import { isParquetFile } from '../../trace/fleet/parquet-footer.ts';
import { STDIN } from '../callers/read-files.ts';
import { FAILED, SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { withFile } from '../file-failure.ts';
import { writeJsonLine } from '../json-line.ts';
import { UsageError } from '../parse-arguments.ts';
import { formatName } from '../../base/printable-text.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { formatFleet } from './fleet-report.ts';

const PARQUET_NAME = /\.parquet$/iu;

/** What `dmabuf trace report` was asked of a fleet. */
interface FleetWishes {
  readonly since: string | undefined;
  readonly build: string | undefined;
  readonly asJson: boolean;
}

/**
 * Whether the files are of a fleet: folders, patterns and Parquet files, which their first bytes
 * tell, or their name where those are damaged.
 *
 * @throws {UsageError} where some are and some are not
 */
export async function isFleet(files: readonly string[]): Promise<boolean> {
  const [first, ...rest] = await Promise.all(files.map(isOfFleet));
  if (first === undefined || rest.every((other) => other === first)) return first === true;
  throw new UsageError('Cannot report on Parquet files and traces at once: export the traces with --parquet first');
}

async function isOfFleet(file: string): Promise<boolean> {
  if (file === STDIN) return false;
  if (PARQUET_NAME.test(file)) return true;
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined) return isPattern(file);
  return (
    stats.isDirectory() || (stats.isFile() && (await withFile('read', file, async () => await isParquetFile(file))))
  );
}

/** @throws {UsageError} where one of the files is a Parquet file, which would be read as text */
export async function refuseParquet(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const stats = file === STDIN ? undefined : await stat(file).catch(() => undefined);
    if (stats?.isFile() !== true || !(await withFile('read', file, async () => await isParquetFile(file)))) continue;
    throw new UsageError(
      `Cannot export ${formatName(file)} as it is a Parquet file: give the trace that it was made of`,
    );
  }
}

/** Tells what Parquet files say of who maps. */
export async function tellFleet(
  sources: readonly string[],
  { since, build, asJson }: FleetWishes,
  terminal: Terminal,
): Promise<ExitStatus> {
  const found: FleetReport[] = [];
  const isInterrupted = await untilInterrupted(async (signal) => {
    terminal.showProgress('asking the files …');
    found.push(await reportFleet(sources, { since, build, signal }));
  });
  terminal.clearProgress();
  const [report] = found;
  if (isInterrupted || report === undefined) return FAILED;
  if (asJson) writeJsonLine({ format: 'dmabuf-fleet', version: 1, sources, ...report }, terminal.writeJson);
  else for (const line of formatFleet(report, terminal)) terminal.print(line);
  return SUCCEEDED;
}
