import { TraceAnalysis } from '../../trace/analysis/trace-analysis.ts';
import { checkFiles, writeMappings } from '../callers/callers.ts';
import { readFiles } from '../callers/read-files.ts';
import type { TraceSummary } from '../../trace/mapping-event.ts';
import { describeFiles, formatGaps } from '../callers/report.ts';
import { SUCCEEDED } from '../command.ts';
import type { Command, ExitStatus } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { writeJsonLine } from '../json-line.ts';
import { parseArguments, UsageError } from '../parse-arguments.ts';
import { formatTraceReport } from './report.ts';
import { readSeconds } from '../seconds.ts';
import type { Terminal } from '../terminal.ts';
import { writeExport } from './export.ts';
import { HERE, recordHere, statusAfter, writeRecording } from './record.ts';
import { formatRecording } from './recording-report.ts';

const ACTIONS = ['report', 'export'] as const;

const DESCRIPTION = {
  invocation: 'dmabuf trace',
  summary: 'records who maps dma-bufs; tells what that costs, and what could be saved',
  paragraphs: [
    'Without FILE it records every mapping of a dma-buf on this machine, by any task, and then reports on it: until Ctrl-C, for a ' +
      'time, or while a COMMAND runs. It needs root, uses a trace and probes of its own, and leaves tracefs as it was. What the ' +
      'COMMAND prints goes to stderr.',
    'Reads the files that "dmabuf callers" reads. "report" tells what was found, with its evidence, what mappings spend their time ' +
      'on, and what would be saved if sg tables were converted by entry, if vmap mapped runs at once, and if each buffer were mapped ' +
      'once: as ranges, with what they rest on. "export" writes the mappings in the form of another program.',
  ],
  argument: {
    usage: '[report FILE...|export FILE...|-- COMMAND...]',
    forms: [
      { name: 'report FILE', text: 'findings, parts, and what could be saved; - is standard input' },
      { name: 'export FILE', text: 'the mappings, as --form says' },
      { name: '-- COMMAND', text: 'records while this program runs, whose words follow' },
    ],
    suggestions: ACTIONS,
    isRepeatable: true,
    completion: 'file',
  },
  options: {
    for: { value: 'SECONDS', text: 'records for so long' },
    json: {
      text:
        'report, or a recording: one object instead, of the format dmabuf-trace: {files, callers, findings: [{kind, text, evidence}], savings: ' +
        '{byEntry, batched, mappedOnce}, ...}; times in nanoseconds; ' +
        'what the files do not say is absent; of a recording also {recording: {eventCount, countedMappings, eventNs, stackNs, totalNs, ' +
        'processNs, seconds}}',
    },
    jsonl: {
      text: 'report, or a recording: each mapping as an object on a line, as "dmabuf callers --jsonl" has them',
    },
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
    'by-page-ns': {
      value: 'NS',
      text: 'report: what conversion page by page costs for each page on the machine in question',
    },
    'by-entry-ns': { value: 'NS', text: 'report: what conversion by entry costs; both come from "dmabuf vmap" there' },
  },
  exitStatus:
    '0, also where no mapping was found; 1 when a file could not be read, the kernel refuses to trace, or the COMMAND failed',
} as const satisfies CommandDescription;

export const traceCommand: Command = {
  name: 'trace',
  description: DESCRIPTION,
  run: async (args, terminal) => {
    const { own, command } = splitCommand(args);
    const { options, words } = parseArguments(DESCRIPTION, own);
    if (options.json && options.jsonl) throw new UsageError('Cannot use --json with --jsonl: leave one of them out');
    if (words.length === 0) return await record({ command, options }, terminal);
    const [action, ...files] = words;
    if (action !== 'report' && action !== 'export') {
      const meant = `to record a command, write "-- ${words.join(' ')}"`;
      throw new UsageError(`Cannot tell what to do with "${action}": give report or export, or ${meant}`);
    }
    if (options.for !== undefined) throw new UsageError(`Cannot use --for with ${action} as it goes with a recording`);
    checkFiles(files, DESCRIPTION.invocation);
    if (action === 'export') {
      if (options.json || options.jsonl)
        throw new UsageError('Cannot use --json or --jsonl with export: they go with report');
      await writeExport(files, options.form ?? 'collapsed', terminal);
    } else if (options.form !== undefined) throw new UsageError('Cannot use --form with report as it goes with export');
    else if (options.jsonl) await writeMappings(files, terminal);
    else await report(files, { asJson: options.json, cost: readCost(options) }, terminal);
    return SUCCEEDED;
  },
};

type Options = ReturnType<typeof parseArguments<typeof DESCRIPTION.options>>['options'];

/** Words behind `--` are a command to record, where no file is read: then they are files. */
function splitCommand(args: readonly string[]): {
  readonly own: readonly string[];
  readonly command: readonly string[] | undefined;
} {
  const end = args.indexOf('--');
  const isReading = args.slice(0, end).some((word) => ACTIONS.some((action) => action === word));
  if (end === -1 || isReading) return { own: args, command: undefined };
  return { own: args.slice(0, end), command: args.slice(end + 1) };
}

async function record(
  { command, options }: { readonly command: readonly string[] | undefined; readonly options: Options },
  terminal: Terminal,
): Promise<ExitStatus> {
  if (command?.length === 0) throw new UsageError('Cannot tell what to run: give COMMAND after --');
  if (options.form !== undefined) throw new UsageError('Cannot use --form with a recording as it goes with export');
  const seconds = options.for === undefined ? undefined : readSeconds(options.for);
  const cost = readCost(options);
  if (options.jsonl) return await writeRecording({ seconds, command }, terminal);
  const analysis = new TraceAnalysis();
  const recorded = await recordHere({ seconds, command }, terminal, (event) => analysis.addChecked(event));
  const { summary, commandFailure } = recorded;
  analysis.addChecked(summary);
  const made = analysis.report(cost);
  if (options.json) writeReport({ files: [], ...made, recording: recorded.cost }, summary, terminal);
  else {
    const lines = [
      ...formatTraceReport(made, HERE, terminal),
      ...formatRecording(recorded.cost, summary.mappings, terminal),
      ...formatGaps(summary, terminal.columns),
    ];
    for (const line of lines) terminal.print(line);
  }
  return statusAfter(commandFailure, terminal);
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
    writeReport({ files, ...made }, summary, terminal);
    return;
  }
  const place = describeFiles(files);
  for (const line of [...formatTraceReport(made, place, terminal), ...formatGaps(summary, terminal.columns)])
    terminal.print(line);
}

function writeReport(facts: object, { unreadableLines }: TraceSummary, { writeJson }: Terminal): void {
  writeJsonLine({ format: 'dmabuf-trace', version: 1, ...facts, unreadableLines }, writeJson);
}
