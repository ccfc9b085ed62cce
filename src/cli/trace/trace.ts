import { TraceAnalysis } from '../../trace/analysis/trace-analysis.ts';
import { checkFiles, writeMappings } from '../callers/callers.ts';
import { readFiles } from '../callers/read-files.ts';
import { formatGaps } from '../callers/report.ts';
import { SUCCEEDED } from '../command.ts';
import type { Command, ExitStatus } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { writeJsonLine } from '../json-line.ts';
import { parseArguments, UsageError } from '../parse-arguments.ts';
import { formatTraceReport } from './report.ts';
import type { Terminal } from '../terminal.ts';
import { writeExport } from './export.ts';
import { writeParquet } from './export-parquet.ts';
import { isFleet, refuseParquet, tellFleet } from './fleet.ts';

const ACTIONS = ['report', 'export'] as const;

const DESCRIPTION = {
  invocation: 'dmabuf trace',
  summary: 'tells what mappings cost, and what could be saved',
  paragraphs: [
    'Reads the files that "dmabuf callers" reads. "report" tells what was found, with its evidence, what mappings spend their time ' +
      'on, and what would be saved if sg tables were converted by entry, if vmap mapped runs at once, and if each buffer were mapped ' +
      'once: as ranges, with what they rest on. "export" writes the mappings in the form of another program.',
    '"export --parquet" writes the events of the files as columns, and "report" answers over any number of such files, of many ' +
      'devices and builds: who maps, what takes the most time, what is refused, and with --since which drivers map more than before. ' +
      'They need the packages hyparquet-writer and @duckdb/node-api beside this one.',
  ],
  argument: {
    usage: 'report|export FILE...',
    forms: [
      { name: 'report FILE', text: 'findings, parts, and what could be saved; - is standard input' },
      {
        name: 'report FOLDER',
        text: 'the same of Parquet files: those in a folder, those that a pattern such as "2026-*/*.parquet" names, or FILE',
      },
      { name: 'export FILE', text: 'the mappings, as --form says' },
    ],
    suggestions: ACTIONS,
    isRepeatable: true,
    completion: 'file',
  },
  options: {
    json: {
      text:
        'report: one object instead, of the format dmabuf-trace: {files, callers, findings: [{kind, text, evidence}], savings: ' +
        '{byEntry, batched, mappedOnce}, ...}; times in nanoseconds; what the files do not say is absent. Of Parquet files, of ' +
        'the format dmabuf-fleet: {sources, fileCount, builds, callers, consumers, repeats, slowest, failures, devices, growth, ' +
        'cutAnswers}',
    },
    jsonl: { text: 'report: each mapping as an object on a line, as "dmabuf callers --jsonl" has them' },
    form: {
      value: 'FORM',
      text: 'export: what to write. Default: collapsed',
      choices: [
        { name: 'collapsed', text: 'a line for each stack with its calls, for flame graphs' },
        { name: 'collapsed-ns', text: 'the same with the nanoseconds, parts included' },
        { name: 'chrome', text: "Chrome's trace JSON, for Perfetto" },
        { name: 'speedscope', text: 'for speedscope' },
      ],
    },
    parquet: {
      value: 'OUT',
      text: 'export: writes a Parquet file of the events instead; it appears when it is complete',
      completion: 'file',
    },
    device: { value: 'NAME', text: 'export --parquet: which machine the files are of. Default: that stays unknown' },
    build: {
      value: 'ID',
      text:
        'export --parquet: which software it ran. Default: that stays unknown. report --since: the newer build of two. Default: the ' +
        'only other one',
    },
    since: { value: 'BUILD', text: 'report, of Parquet files: which drivers map more than with this build' },
    'by-page-ns': {
      value: 'NS',
      text: 'report: what conversion page by page costs for each page on the machine in question',
    },
    'by-entry-ns': { value: 'NS', text: 'report: what conversion by entry costs; both come from "dmabuf vmap" there' },
  },
  exitStatus: '0, also where no mapping was found; 1 when a file could not be read',
} as const satisfies CommandDescription;

export const traceCommand: Command = {
  name: 'trace',
  description: DESCRIPTION,
  run: async (args, terminal) => {
    const { options, words } = parseWords(args);
    const [action, ...files] = words;
    if (action !== 'report' && action !== 'export')
      throw new UsageError(`Cannot tell what to do: give report or export, see "${DESCRIPTION.invocation} --help"`);
    checkFiles(files, DESCRIPTION.invocation);
    return action === 'export' ? await runExport(files, options, terminal) : await runReport(files, options, terminal);
  },
};

type Options = ReturnType<typeof parseWords>['options'];

function parseWords(args: readonly string[]) {
  return parseArguments(DESCRIPTION, args);
}

async function runExport(files: readonly string[], options: Options, terminal: Terminal): Promise<ExitStatus> {
  const { parquet, device, build } = options;
  if (options.json || options.jsonl)
    throw new UsageError('Cannot use --json or --jsonl with export: they go with report');
  if (options.since !== undefined) throw new UsageError('Cannot use --since with export as it goes with report');
  await refuseParquet(files);
  if (parquet === undefined) {
    if (device !== undefined || build !== undefined)
      throw new UsageError('Cannot use --device or --build with export as they go with --parquet OUT');
    await writeExport(files, options.form ?? 'collapsed', terminal);
    return SUCCEEDED;
  }
  if (options.form !== undefined) throw new UsageError('Cannot use --form with --parquet: leave one of them out');
  if (device === '' || build === '') throw new UsageError('Cannot use an empty --device or --build: leave it out');
  return await writeParquet(files, { path: parquet, labels: { device, build } }, terminal);
}

async function runReport(files: readonly string[], options: Options, terminal: Terminal): Promise<ExitStatus> {
  const { since, build, json: asJson } = options;
  const cost = readCost(options);
  if (options.form !== undefined) throw new UsageError('Cannot use --form with report as it goes with export');
  if (options.parquet !== undefined || options.device !== undefined)
    throw new UsageError('Cannot use --parquet or --device with report as they go with export');
  if (build !== undefined && since === undefined)
    throw new UsageError('Cannot use --build with report as it goes with --since: give both');
  if (await isFleet(files)) {
    if (options.jsonl || cost !== undefined)
      throw new UsageError('Cannot use --jsonl, --by-page-ns or --by-entry-ns with Parquet files: leave them out');
    return await tellFleet(files, { since, build, asJson }, terminal);
  }
  if (since !== undefined) throw new UsageError('Cannot use --since with traces: export them with --parquet first');
  if (options.jsonl) await writeMappings(files, terminal);
  else await report(files, { asJson, cost }, terminal);
  return SUCCEEDED;
}

interface GivenCost {
  readonly byPageNs: number;
  readonly byEntryNs: number;
}

function readCost(options: {
  readonly 'by-page-ns': string | undefined;
  readonly 'by-entry-ns': string | undefined;
}): GivenCost | undefined {
  const { 'by-page-ns': byPage, 'by-entry-ns': byEntry } = options;
  if (byPage === undefined && byEntry === undefined) return undefined;
  if (byPage === undefined || byEntry === undefined)
    throw new UsageError('Cannot use --by-page-ns or --by-entry-ns alone: give both');
  return { byPageNs: parseNs(byPage, '--by-page-ns'), byEntryNs: parseNs(byEntry, '--by-entry-ns') };
}

function parseNs(text: string, option: string): number {
  if (/^\d{1,9}(?:\.\d{1,9})?$/u.test(text)) return Number(text);
  throw new UsageError(`Cannot use "${text}" for ${option} as it must be nanoseconds, such as 2.75`);
}

async function report(
  files: readonly string[],
  { asJson, cost }: { readonly asJson: boolean; readonly cost: GivenCost | undefined },
  terminal: Terminal,
): Promise<void> {
  const analysis = new TraceAnalysis();
  const summary = await readFiles(files, terminal, (record) => analysis.addChecked(record));
  analysis.addChecked(summary);
  const made = analysis.report(cost);
  if (asJson) {
    const { unreadableLines } = summary;
    writeJsonLine({ format: 'dmabuf-trace', version: 1, files, ...made, unreadableLines }, terminal.writeJson);
    return;
  }
  for (const line of [...formatTraceReport(made, files, terminal), ...formatGaps(summary, terminal.columns)])
    terminal.print(line);
}
