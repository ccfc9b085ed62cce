import { TraceAnalysis } from '../trace/analysis/trace-analysis.ts';
import type { TraceReport } from '../trace/analysis/trace-analysis.ts';
import { HtmlReport } from '../trace/export/html/html-report.ts';
import { recordMappings } from '../trace/live/record-mappings.ts';
import type { TraceRecord } from '../trace/mapping-event.ts';
import { readTrace } from '../trace/read-trace.ts';
import { newSecret } from './server/access.ts';

const REPORTS_MAX = 8;

/** A file that was read. */
interface ReadReport {
  /** Its page's path, which nobody guesses. */
  readonly path: string;
  readonly report: TraceReport;
}

/** A recording that a page asks for. */
interface LabRecording {
  readonly seconds: number;
  readonly onMapping: (count: number) => void;
  readonly signal: AbortSignal;
}

/** Reports of traces that were dropped on the page, or recorded for it. The oldest give way. */
export class CallerReports {
  readonly #pages = new Map<string, string>();

  /** @param name the file's, for the report */
  async read(name: string, bytes: AsyncIterable<Uint8Array>): Promise<ReadReport> {
    return await this.#report([name], readTrace(bytes, { file: name }));
  }

  /**
   * Records who maps on this machine.
   *
   * @param onMapping told of how many there were
   * @param signal ends it, with what was recorded until then
   * @throws {DmaBufError} as tracing is refused, with the remedy
   */
  async record({ seconds, onMapping, signal }: LabRecording): Promise<ReadReport> {
    using recording = recordMappings();
    const end = (): void => recording.stop();
    const timer = setTimeout(end, seconds * 1000);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    try {
      return await this.#report([], recording, onMapping);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }

  async #report(
    files: readonly string[],
    records: AsyncIterable<TraceRecord>,
    onMapping: (count: number) => void = () => {},
  ): Promise<ReadReport> {
    const page = new HtmlReport();
    const analysis = new TraceAnalysis();
    let mappingCount = 0;
    for await (const record of records) {
      page.add(record);
      analysis.addChecked(record);
      if (record.kind !== 'mapping') continue;
      mappingCount += 1;
      onMapping(mappingCount);
    }
    const path = `/report/${newSecret()}`;
    this.#pages.set(path, page.page(files));
    for (const old of [...this.#pages.keys()].slice(0, -REPORTS_MAX)) this.#pages.delete(old);
    return { path, report: analysis.report() };
  }

  /** The report as a page. */
  find(path: string): string | undefined {
    return this.#pages.get(path);
  }
}
