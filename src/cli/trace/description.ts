import type { CommandDescription } from '../command-description.ts';
import { parseArguments } from '../parse-arguments.ts';
import type { ParsedArguments } from '../parse-arguments.ts';

/** Words of `dmabuf trace` that read files, where without one it records. */
export const READING_ACTIONS = ['report', 'export'] as const;

export const TRACE_DESCRIPTION = {
  invocation: 'dmabuf trace',
  summary: 'records who maps dma-bufs; tells what that costs, and what could be saved',
  paragraphs: [
    'Without FILE it records every mapping of a dma-buf on this machine, by any task, and then reports on it: until Ctrl-C, for a ' +
      'time, or while a COMMAND runs. It needs root, uses a trace and probes of its own, and leaves tracefs as it was. What the ' +
      'COMMAND prints goes to stderr.',
    '"report" and "export" read the files that "dmabuf callers" reads. A report tells what was found, with its evidence, what ' +
      'mappings spend their time on, and what would be saved if sg tables were converted by entry, if vmap mapped runs at once, and ' +
      'if each buffer were mapped once: as ranges, with what they rest on. "export" writes the mappings in the form of another ' +
      'program.',
    '"export --parquet" writes the events of the files as columns, and "report" answers over any number of such files, of many ' +
      'devices and builds: who maps, what takes the most time, what is refused, and with --since which drivers map more than before. ' +
      'They need the packages hyparquet-writer and @duckdb/node-api beside this one.',
  ],
  argument: {
    usage: '[report|export FILE...]',
    forms: [
      { name: 'report FILE', text: 'findings, parts, and what could be saved; - is standard input' },
      {
        name: 'report FOLDER',
        text: 'the same of Parquet files: those in a folder, those that a pattern such as "2026-*/*.parquet" names, or FILE',
      },
      { name: 'export FILE', text: 'the mappings, as --form says' },
      { name: '-- COMMAND', text: 'records while this program runs, whose words follow' },
    ],
    suggestions: READING_ACTIONS,
    isRepeatable: true,
    completion: 'file',
  },
  options: {
    for: { value: 'SECONDS', text: 'records for so long' },
    json: {
      text:
        'a report: one object instead, of the format dmabuf-trace: {files, callers, findings: [{kind, text, evidence}], savings: ' +
        '{byEntry, batched, mappedOnce}, ...}; times in nanoseconds; what the files do not say is absent; of a recording also ' +
        '{recording: {eventCount, countedMappings, eventNs, stackNs, totalNs, processNs, seconds}}. Of Parquet files, of the format ' +
        'dmabuf-fleet: {sources, fileCount, builds, callers, consumers, repeats, slowest, failures, devices, growth, cutAnswers}',
    },
    jsonl: { text: 'a report: each mapping as an object on a line, as "dmabuf callers --jsonl" has them' },
    html: {
      value: 'PAGE',
      text:
        'a report: writes a page for a browser to this file instead, .html or .htm, with a flame graph and time lines; it needs no ' +
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
      text: 'a report: what conversion page by page costs for each page on the machine in question',
    },
    'by-entry-ns': {
      value: 'NS',
      text: 'a report: what conversion by entry costs; both come from "dmabuf vmap" there',
    },
  },
  exitStatus:
    '0, also where no mapping was found; 1 when a file could not be read or written, the kernel refuses to trace, or the COMMAND ' +
    'failed',
} as const satisfies CommandDescription;

/** Options and words of `dmabuf trace`. */
export function parseTraceWords(args: readonly string[]): ParsedArguments<typeof TRACE_DESCRIPTION.options> {
  return parseArguments(TRACE_DESCRIPTION, args);
}

export type TraceOptions = ReturnType<typeof parseTraceWords>['options'];
