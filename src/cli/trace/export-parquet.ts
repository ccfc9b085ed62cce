import { onAbort, throwIfAborted } from '../../base/abort.ts';
import { writeCheckedParquet } from '../../trace/export/parquet/write-trace-parquet.ts';
import type { RecordingLabels } from '../../trace/export/parquet/event-rows.ts';
import type { TraceRecord } from '../../trace/mapping-event.ts';
import { readTrace, readTraceFile } from '../../trace/read-trace.ts';
import { STDIN } from '../callers/read-files.ts';
import { FAILED, SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { withFile } from '../file-failure.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';

const PROGRESS_RECORDS = 10_000;

/** Writes the events of traces into one Parquet file, which appears when it is complete. */
export async function writeParquet(
  files: readonly string[],
  { path, labels }: { readonly path: string; readonly labels: RecordingLabels },
  terminal: Terminal,
): Promise<ExitStatus> {
  const isInterrupted = await untilInterrupted(async (signal) => {
    const records = readRecords(files, signal, terminal);
    await withFile('write', path, async () => await writeCheckedParquet(path, records, { ...labels, signal }));
  });
  terminal.clearProgress();
  return isInterrupted ? FAILED : SUCCEEDED;
}

async function* readRecords(
  files: readonly string[],
  signal: AbortSignal,
  terminal: Terminal,
): AsyncGenerator<TraceRecord, void, undefined> {
  let count = 0;
  for (const file of files) {
    const records = file === STDIN ? readStdin(signal) : readTraceFile(file, { signal });
    for (;;) {
      const { done, value } = await withFile('read', file, async () => await records.next());
      if (done === true) break;
      yield value;
      count += 1;
      if (count % PROGRESS_RECORDS === 0) terminal.showProgress(`${count} events are written`);
    }
  }
}

/** A pipe may stay silent for ever, so the end of the command closes it. */
async function* readStdin(signal: AbortSignal): AsyncGenerator<TraceRecord, void, undefined> {
  const stopListening = onAbort(signal, () => void process.stdin.destroy());
  try {
    yield* readTrace(process.stdin, { file: STDIN, signal });
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    stopListening();
  }
}
