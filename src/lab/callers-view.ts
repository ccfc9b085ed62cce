import { TraceAnalysis } from '../trace/analysis/trace-analysis.ts';
import type { TraceReport } from '../trace/analysis/trace-analysis.ts';
import { HtmlReport } from '../trace/export/html/html-report.ts';
import { readTrace } from '../trace/read-trace.ts';
import { newSecret } from './server/access.ts';

const REPORTS_MAX = 8;

/** A file that was read. */
interface ReadReport {
  /** Its page's path, which nobody guesses. */
  readonly path: string;
  readonly report: TraceReport;
}

/** Reports of logs and traces that were dropped on the page. The oldest give way. */
export class CallerReports {
  readonly #pages = new Map<string, string>();

  /** @param name the file's, for the report */
  async read(name: string, bytes: AsyncIterable<Uint8Array>): Promise<ReadReport> {
    const page = new HtmlReport();
    const analysis = new TraceAnalysis();
    for await (const record of readTrace(bytes, { file: name })) {
      page.add(record);
      analysis.addChecked(record);
    }
    const path = `/report/${newSecret()}`;
    this.#pages.set(path, page.page([name]));
    for (const old of [...this.#pages.keys()].slice(0, -REPORTS_MAX)) this.#pages.delete(old);
    return { path, report: analysis.report() };
  }

  /** The report as a page. */
  find(path: string): string | undefined {
    return this.#pages.get(path);
  }
}
