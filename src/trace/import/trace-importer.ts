import type { TraceRecord, TraceSummary } from '../mapping-event.ts';
import { BpftraceImporter } from './bpftrace-importer.ts';
import { CollapsedImporter } from './collapsed-importer.ts';
import { FtraceImporter } from './ftrace/ftrace-importer.ts';
import { FunctionGraphImporter } from './function-graph/function-graph-importer.ts';
import { ImportContext } from './import-context.ts';
import { KernelLogImporter } from './kernel-log/kernel-log-importer.ts';
import type { LineImporter } from './line-importer.ts';
import { LineSplitter } from './line-splitter.ts';
import { OwnJsonImporter } from './own-json-importer.ts';
import { PerfScriptImporter } from './perf-script-importer.ts';
import { SourceLine } from './source-line.ts';

const PAGE = /^\s*<(?:!doctype html|html)\b/iu;
/** How far from the beginning a page may say that it is one. */
const PAGE_LINES_MAX = 16;
/** Of systrace's older pages, whose trace is a string of a script: each line ends in `\n\`. */
const SCRIPT_LINE_END = String.raw`\n` + '\\';

/**
 * Reads the text of a trace or a log, whatever its form, piece by piece. Each line goes to the
 * reader that took the last one; a line that is none of its form to whoever takes it. So a form is
 * told by content, and a file may hold several.
 */
export class TraceImporter {
  readonly #context: ImportContext;
  readonly #line = new SourceLine();
  readonly #splitter: LineSplitter;
  readonly #importers: readonly LineImporter[];
  #current: LineImporter;

  /**
   * @param file what records name as their file
   * @param emit told of each mapping and unmapping as soon as it is complete
   */
  constructor(file: string | undefined, emit: (record: TraceRecord) => void) {
    this.#context = new ImportContext(file, emit);
    this.#current = new FunctionGraphImporter(this.#context);
    // Those that take the least first: a collapsed stack is any line with a semicolon and a number.
    this.#importers = [
      this.#current,
      new FtraceImporter(this.#context),
      new OwnJsonImporter(this.#context),
      new PerfScriptImporter(this.#context),
      new BpftraceImporter(this.#context),
      new KernelLogImporter(this.#context),
      new CollapsedImporter(this.#context),
    ];
    this.#splitter = new LineSplitter(this.#line, () => this.#take());
  }

  push(chunk: Uint8Array): void {
    this.#splitter.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  /** @returns what was read in all */
  end(): TraceSummary {
    this.#splitter.end();
    for (const importer of this.#importers) importer.end();
    return this.#context.summary();
  }

  #take(): void {
    const line = this.#line;
    if (line.number <= PAGE_LINES_MAX && PAGE.test(line.text)) this.#context.outerForm = 'systrace';
    if (this.#context.outerForm === 'systrace') undoScript(line);
    if (this.#current.take(line)) return;
    for (const importer of this.#importers) {
      if (importer === this.#current || !importer.take(line)) continue;
      this.#current = importer;
      return;
    }
  }
}

function undoScript(line: SourceLine): void {
  const { text } = line;
  if (text.endsWith(SCRIPT_LINE_END)) line.end -= SCRIPT_LINE_END.length;
  const plain = text.endsWith(SCRIPT_LINE_END) ? text.slice(0, -SCRIPT_LINE_END.length) : text;
  line.replaceText(plain.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'));
}
