import { withFile } from '../file-failure.ts';
import { UNREADABLE_LINES_MAX } from '../../trace/mapping-event.ts';
import type { MappingEvent, TraceSummary, UnmappingEvent } from '../../trace/mapping-event.ts';
import { readTrace, readTraceFile } from '../../trace/read-trace.ts';
import type { Terminal } from '../terminal.ts';

/** The name of standard input. */
export const STDIN = '-';
const PROGRESS_RECORDS = 10_000;

/**
 * Reads files one after another.
 *
 * @param take told of each record but the summaries
 * @returns one summary of them all
 * @throws {CommandFailure} for a file that cannot be read
 */
export async function readFiles(
  files: readonly string[],
  { showProgress, clearProgress }: Pick<Terminal, 'showProgress' | 'clearProgress'>,
  take: (record: MappingEvent | UnmappingEvent) => void,
): Promise<TraceSummary> {
  const summaries: TraceSummary[] = [];
  let count = 0;
  for (const file of files) {
    const records = file === STDIN ? readTrace(process.stdin, { file }) : readTraceFile(file);
    await withFile('read', file, async () => {
      for await (const record of records) {
        if (record.kind === 'summary') summaries.push(record);
        else take(record);
        count += 1;
        if (count % PROGRESS_RECORDS === 0) showProgress(`${count} mappings and unmappings are read`);
      }
    });
  }
  clearProgress();
  return addSummaries(summaries);
}

function addSummaries(summaries: readonly TraceSummary[]): TraceSummary {
  const lines = summaries.flatMap(({ unreadableLines }) => unreadableLines);
  const sum = (select: (summary: TraceSummary) => number): number =>
    summaries.reduce((total, summary) => total + select(summary), 0);
  const lineCount = sum(({ unreadableLines, unreadableLineCount }) => unreadableLineCount ?? unreadableLines.length);
  const spans = summaries.flatMap(({ timeSpanSeconds }) => timeSpanSeconds ?? []);
  const kept = lines.slice(0, UNREADABLE_LINES_MAX);
  return {
    kind: 'summary',
    mappings: sum(({ mappings }) => mappings),
    unmappings: sum(({ unmappings }) => unmappings),
    unreadableLines: kept,
    ...(lineCount > kept.length ? { unreadableLineCount: lineCount } : {}),
    lostEvents: sum(({ lostEvents }) => lostEvents),
    ...(spans.length === 0 ? {} : { timeSpanSeconds: spans.reduce((total, span) => total + span, 0) }),
  };
}
