import { TraceAnalysis } from '../../trace/analysis/trace-analysis.ts';
import { HtmlReport } from '../../trace/export/html/html-report.ts';
import { formatGaps } from '../callers/report.ts';
import type { ExitStatus } from '../command.ts';
import { UsageError } from '../parse-arguments.ts';
import { readSeconds } from '../seconds.ts';
import type { Terminal } from '../terminal.ts';
import type { TraceOptions } from './description.ts';
import { readCost } from './given-cost.ts';
import { checkPage, writePage } from './html.ts';
import { HERE, recordHere, statusAfter, writeRecording } from './record.ts';
import type { RecordingRequest } from './record.ts';
import { formatRecording } from './recording-report.ts';
import { formatTraceReport, writeReportJson } from './report.ts';

/** Records who maps on this machine, and reports on it. */
export async function reportRecording(
  command: readonly string[] | undefined,
  options: TraceOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  if (command?.length === 0) throw new UsageError('Cannot tell what to run: give COMMAND after --');
  const request = { command, seconds: options.for === undefined ? undefined : readSeconds(options.for) };
  if (options.jsonl) return await writeRecording(request, terminal);
  return options.html === undefined
    ? await reportHere(request, options, terminal)
    : await writeRecordedPage(request, { page: checkPage(options.html, []), options }, terminal);
}

async function reportHere(request: RecordingRequest, options: TraceOptions, terminal: Terminal): Promise<ExitStatus> {
  const cost = readCost(options);
  const analysis = new TraceAnalysis();
  const recorded = await recordHere(request, terminal, (event) => analysis.addChecked(event));
  const { summary, commandFailure } = recorded;
  analysis.addChecked(summary);
  const report = analysis.report(cost);
  if (options.json) writeReportJson({ files: [], ...report, recording: recorded.cost }, summary, terminal);
  else {
    const lines = [
      ...formatTraceReport(report, HERE, terminal),
      ...formatRecording(recorded.cost, summary.mappings, terminal),
      ...formatGaps(summary, terminal.columns),
    ];
    for (const line of lines) terminal.print(line);
  }
  return statusAfter(commandFailure, terminal);
}

async function writeRecordedPage(
  request: RecordingRequest,
  { page, options }: { readonly page: string; readonly options: TraceOptions },
  terminal: Terminal,
): Promise<ExitStatus> {
  const cost = readCost(options);
  const report = new HtmlReport();
  const { summary, commandFailure } = await recordHere(request, terminal, (event) => report.add(event));
  report.add(summary);
  await writePage(page, report.page(['a recording of this machine'], cost), terminal);
  return statusAfter(commandFailure, terminal);
}
