import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { UsageError } from '../parse-arguments.ts';
import type { Terminal } from '../terminal.ts';
import type { TraceOptions } from './description.ts';
import { writeExport } from './export.ts';
import { writeParquet } from './export-parquet.ts';
import { refuseParquet } from './fleet.ts';

/** Writes the mappings of files in the form of another program. */
export async function exportFiles(
  files: readonly string[],
  { parquet, device, build, form }: TraceOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  await refuseParquet(files);
  if (parquet === undefined) {
    if (device !== undefined || build !== undefined)
      throw new UsageError('Cannot use --device or --build with export as they go with --parquet OUT');
    await writeExport(files, form ?? 'collapsed', terminal);
    return SUCCEEDED;
  }
  if (form !== undefined) throw new UsageError('Cannot use --form with --parquet: leave one of them out');
  return await writeParquet(files, { path: parquet, labels: { device, build } }, terminal);
}
