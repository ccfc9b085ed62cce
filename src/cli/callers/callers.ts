import { TraceAnalysis } from '../../trace/analysis/trace-analysis.ts';
import type { TraceReport } from '../../trace/analysis/trace-analysis.ts';
import type { TraceSummary } from '../../trace/mapping-event.ts';
import { SUCCEEDED } from '../command.ts';
import type { Command, ExitStatus } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { writeJsonLine } from '../json-line.ts';
import { parseArguments, UsageError } from '../parse-arguments.ts';
import type { Terminal } from '../terminal.ts';
import { readFiles } from './read-files.ts';
import { describeFiles, formatCallers, formatGaps } from './report.ts';
import { HERE, recordHere, writeRecording } from '../trace/record.ts';
import type { RecordingRequest } from '../trace/record.ts';
import { readSeconds } from '../seconds.ts';
import { tellSourceCallers } from './source-callers.ts';

const DESCRIPTION = {
  invocation: 'dmabuf callers',
  summary: "tells who maps dma-bufs, by a log, a trace or a kernel's source",
  paragraphs: [
    "Tells who maps dma-bufs into the kernel's address space (dma_buf_vmap), by call path: how often, how much, and how long it " +
      "takes, as far as the files say. They may be a kernel's log with call traces in it, text of ftrace, trace-cmd, perf script or " +
      'bpftrace, pages of systrace, collapsed stacks, or what "dmabuf trace export" wrote; the form is told by content.',
    'A driver is called out of tree where the log flags its module so, or where it calls dma_buf_vmap from a function that ' +
      'mainline does not have.',
    "With --source it reads a kernel's source instead, and tells every call of dma_buf_vmap and of what is wrapped around it, as a " +
      'tree from where programs, devices and drivers come in down to the exporters: through function pointers, told apart by the ' +
      'struct that they are members of, and through macros. Calls without a reservation lock on the way to them are told.',
  ],
  argument: {
    usage: '[FILE...]',
    forms: [{ name: 'FILE', text: 'a log or a trace; - is standard input' }],
    isRepeatable: true,
    completion: 'file',
  },
  options: {
    source: {
      value: 'DIR',
      text: "reads the .c and .h files in this folder: a kernel's tree, or a driver's",
      completion: 'file',
    },
    depth: { value: 'N', text: 'with --source, goes this many functions up from dma_buf_vmap. Default: 6' },
    list: { text: 'with --source, the calls alone, one a line as cscope lists them: file, function, line, text' },
    json: {
      text:
        'one object instead, of the format dmabuf-callers: {files, callers: [{path, consumer: {name, subsystem, driver, origin, ' +
        'buildId}, callCount, totalBytes, totalNs, medianNs, ...}], mappingCount, unmappingCount, lostEvents, unreadableLines}; ' +
        'what the files do not say is absent. With --source, of the format dmabuf-source-callers: {root, fileCount, byteCount, unread, ' +
        'calls: [{callee, caller, depth, file, line, text}], nodes: [{id, kind, name, file, depth, leadsTo, ends}], entryPoints, ' +
        'unlocked, exporters}',
    },
    live: {
      text: 'records this machine\'s mappings instead of reading files, until Ctrl-C: for root. "dmabuf trace" says more of them',
    },
    for: { value: 'SECONDS', text: 'with --live, ends after so long' },
    jsonl: {
      text:
        'each mapping as an object on a line of its own, as soon as it is read, of the schema dmabuf-mapping, and a summary as the ' +
        'last',
    },
  },
  exitStatus: '0, also where no mapping or call was found; 1 when a file or the folder could not be read',
} as const satisfies CommandDescription;

export const callersCommand: Command = {
  name: 'callers',
  description: DESCRIPTION,
  run: async (args, terminal) => {
    const { options, words } = parseArguments(DESCRIPTION, args);
    if (options.source !== undefined) {
      if (words.length > 0 || options.jsonl) {
        throw new UsageError(
          'Cannot use --source with FILE or --jsonl as it reads a folder at once: leave one of them out',
        );
      }
      await tellSourceCallers(options.source, options, terminal);
      return SUCCEEDED;
    }
    if (options.list || options.depth !== undefined) {
      throw new UsageError('Cannot use --list or --depth as they go with --source');
    }
    if (options.json && options.jsonl) throw new UsageError('Cannot use --json with --jsonl: leave one of them out');
    if (options.live) {
      if (words.length > 0) throw new UsageError('Cannot use --live with FILE as it reads none: leave one of them out');
      const seconds = options.for === undefined ? undefined : readSeconds(options.for);
      return await recordCallers({ seconds, command: undefined }, options, terminal);
    }
    if (options.for !== undefined) throw new UsageError('Cannot use --for as it goes with --live');
    checkFiles(words, DESCRIPTION.invocation);
    if (options.jsonl) await writeMappings(words, terminal);
    else await tellCallers(words, options.json, terminal);
    return SUCCEEDED;
  },
};

/** Who maps on this machine, now. */
async function recordCallers(
  request: RecordingRequest,
  { json, jsonl }: { readonly json: boolean; readonly jsonl: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  if (jsonl) return await writeRecording(request, terminal);
  const analysis = new TraceAnalysis();
  const { summary } = await recordHere(request, terminal, (record) => analysis.addChecked(record));
  analysis.addChecked(summary);
  printCallers(analysis.report(), summary, { files: [], place: HERE, asJson: json }, terminal);
  return SUCCEEDED;
}

/** @throws {UsageError} where there is none */
export function checkFiles(files: readonly string[], invocation: string): void {
  if (files.length > 0) return;
  throw new UsageError(`Cannot tell what to read: give FILE, see "${invocation} --help"`);
}

/** Each mapping as soon as it is read: a file of any length in the same memory. */
export async function writeMappings(files: readonly string[], terminal: Terminal): Promise<void> {
  const summary = await readFiles(files, terminal, (record) => {
    if (record.kind === 'mapping') writeJsonLine(record, terminal.writeJson);
  });
  writeJsonLine(summary, terminal.writeJson);
}

async function tellCallers(files: readonly string[], asJson: boolean, terminal: Terminal): Promise<void> {
  const analysis = new TraceAnalysis();
  const summary = await readFiles(files, terminal, (record) => analysis.addChecked(record));
  analysis.addChecked(summary);
  printCallers(analysis.report(), summary, { files, place: describeFiles(files), asJson }, terminal);
}

function printCallers(
  report: TraceReport,
  summary: TraceSummary,
  { files, place, asJson }: { readonly files: readonly string[]; readonly place: string; readonly asJson: boolean },
  terminal: Terminal,
): void {
  if (asJson) {
    const { callers, mappingCount, unmappingCount, lostEvents } = report;
    const { unreadableLines } = summary;
    const facts = { files, callers, mappingCount, unmappingCount, lostEvents, unreadableLines };
    writeJsonLine({ format: 'dmabuf-callers', version: 1, ...facts }, terminal.writeJson);
    return;
  }
  for (const line of formatCallers(report, place, terminal)) terminal.print(line);
  const gaps = formatGaps(summary, terminal.columns);
  if (gaps.length > 0) terminal.print();
  for (const line of gaps) terminal.print(line);
}
