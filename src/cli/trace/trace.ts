import { TraceAnalysis } from '../../trace/analysis/trace-analysis.ts';
import { checkFiles, writeMappings } from '../callers/callers.ts';
import { readFiles } from '../callers/read-files.ts';
import { formatGaps } from '../callers/report.ts';
import { SUCCEEDED } from '../command.ts';
import type { Command } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { writeJsonLine } from '../json-line.ts';
import { parseArguments, UsageError } from '../parse-arguments.ts';
import { formatTraceReport } from './report.ts';
import type { Terminal } from '../terminal.ts';
import { writeExport } from './export.ts';
import { checkPage, writeHtmlReport } from './html.ts';

const ACTIONS = ['report', 'export'] as const;

const DESCRIPTION = {
  invocation: 'dmabuf trace',
  summary: 'tells what mappings cost, and what could be saved',
  paragraphs: [
    'Reads the files that "dmabuf callers" reads. "report" tells what was found, with its evidence, what mappings spend their time ' +
      'on, and what would be saved if sg tables were converted by entry, if vmap mapped runs at once, and if each buffer were mapped ' +
      'once: as ranges, with what they rest on. "export" writes the mappings in the form of another program.',
  ],
  argument: {
    usage: 'report|export FILE...',
    forms: [
      { name: 'report FILE', text: 'findings, parts, and what could be saved; - is standard input' },
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
        '{byEntry, batched, mappedOnce}, ...}; times in nanoseconds; what the files do not say is absent',
    },
    jsonl: { text: 'report: each mapping as an object on a line, as "dmabuf callers --jsonl" has them' },
    html: {
      value: 'PAGE',
      text:
        'report: writes a page for a browser to this file instead, .html or .htm, with a flame graph and time lines; it needs no ' +
        'network. - is standard output',
      completion: 'file',
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
  exitStatus: '0, also where no mapping was found; 1 when a file could not be read or written',
} as const satisfies CommandDescription;

export const traceCommand: Command = {
  name: 'trace',
  description: DESCRIPTION,
  run: async (args, terminal) => {
    const { options, words } = parseArguments(DESCRIPTION, args);
    const [action, ...files] = words;
    if (action !== 'report' && action !== 'export')
      throw new UsageError(`Cannot tell what to do: give report or export, see "${DESCRIPTION.invocation} --help"`);
    checkFiles(files, DESCRIPTION.invocation);
    if (action === 'export') {
      if (options.json || options.jsonl || options.html !== undefined)
        throw new UsageError('Cannot use --json, --jsonl or --html with export: they go with report');
      await writeExport(files, options.form ?? 'collapsed', terminal);
    } else if (options.form !== undefined) throw new UsageError('Cannot use --form with report as it goes with export');
    else await writeReport(files, { ...options, cost: readCost(options) }, terminal);
    return SUCCEEDED;
  },
};

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

async function writeReport(
  files: readonly string[],
  options: {
    readonly json: boolean;
    readonly jsonl: boolean;
    readonly html: string | undefined;
    readonly cost: GivenCost | undefined;
  },
  terminal: Terminal,
): Promise<void> {
  const { json, jsonl, html, cost } = options;
  if ([json, jsonl, html !== undefined].filter(Boolean).length > 1)
    throw new UsageError('Cannot use --json, --jsonl and --html together: leave one of them');
  if (html !== undefined) await writeHtmlReport(files, { page: checkPage(html, files), cost }, terminal);
  else if (jsonl) await writeMappings(files, terminal);
  else await report(files, { asJson: json, cost }, terminal);
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
