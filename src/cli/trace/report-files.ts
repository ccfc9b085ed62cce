import type { ConversionCost } from '../../trace/analysis/conversion-cost.ts';
import { TraceAnalysis } from '../../trace/analysis/trace-analysis.ts';
import { writeMappings } from '../callers/callers.ts';
import { readFiles } from '../callers/read-files.ts';
import { describeFiles, formatGaps } from '../callers/report.ts';
import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { UsageError } from '../parse-arguments.ts';
import type { Terminal } from '../terminal.ts';
import type { TraceOptions } from './description.ts';
import { isFleet, tellFleet } from './fleet.ts';
import { readCost } from './given-cost.ts';
import { checkPage, writeHtmlReport } from './html.ts';
import { formatTraceReport, writeReportJson } from './report.ts';

/** Reports on traces, or on Parquet files of many. */
export async function reportFiles(
  files: readonly string[],
  options: TraceOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { since, build, json: asJson, jsonl, html } = options;
  const cost = readCost(options);
  if (build !== undefined && since === undefined)
    throw new UsageError('Cannot use --build with report as it goes with --since: give both');
  if (await isFleet(files)) {
    if (jsonl || html !== undefined || cost !== undefined)
      throw new UsageError(
        'Cannot use --jsonl, --html, --by-page-ns or --by-entry-ns with Parquet files: leave them out',
      );
    return await tellFleet(files, { since, build, asJson }, terminal);
  }
  if (since !== undefined) throw new UsageError('Cannot use --since with traces: export them with --parquet first');
  if (html !== undefined) await writeHtmlReport(files, { page: checkPage(html, files), cost }, terminal);
  else if (jsonl) await writeMappings(files, terminal);
  else await reportTraces(files, { asJson, cost }, terminal);
  return SUCCEEDED;
}

async function reportTraces(
  files: readonly string[],
  { asJson, cost }: { readonly asJson: boolean; readonly cost: ConversionCost | undefined },
  terminal: Terminal,
): Promise<void> {
  const analysis = new TraceAnalysis();
  const summary = await readFiles(files, terminal, (record) => analysis.addChecked(record));
  analysis.addChecked(summary);
  const report = analysis.report(cost);
  if (asJson) {
    writeReportJson({ files, ...report }, summary, terminal);
    return;
  }
  const place = describeFiles(files);
  for (const line of [...formatTraceReport(report, place, terminal), ...formatGaps(summary, terminal.columns)])
    terminal.print(line);
}
