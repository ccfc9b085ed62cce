import type { ImportContext } from './import-context.ts';
import type { LineImporter } from './line-importer.ts';
import { parseMappingEvent } from '../parse-mapping-event.ts';
import type { SourceLine } from './source-line.ts';

const MAPPING = /^\{"kind":"mapping"/u;
const SUMMARY = /^\{"kind":"summary"/u;
/** One event a line, as our exporter writes them. */
const CHROME_EVENT = /^,?\{"ph":"X","cat":"dma-buf"/u;
const CHROME_BRACKETS = /^(?:\{"traceEvents":\[|\],?|\],"displayTimeUnit".*|,?\{"ph":"[MX]".*)\s*$/u;

/** `{`, `]` and `,`. */
const BEGINNINGS: ReadonlySet<number> = new Set([0x7b, 0x5d, 0x2c]);

/**
 * What this package writes itself: JSON Lines, and Chrome's trace JSON with our events in `args`.
 */
export class OwnJsonImporter implements LineImporter {
  readonly #context: ImportContext;

  constructor(context: ImportContext) {
    this.#context = context;
  }

  take(line: SourceLine): boolean {
    if (!BEGINNINGS.has(line.bytes[line.start] ?? 0)) return false;
    const { text } = line;
    if (MAPPING.test(text)) this.#takeMapping(line, (value) => value);
    else if (CHROME_EVENT.test(text)) this.#takeMapping(line, (value) => (value as { args?: unknown }).args);
    else if (SUMMARY.test(text)) this.#takeSummary(line);
    else return CHROME_BRACKETS.test(text.slice(0, 200));
    return true;
  }

  end(): void {
    // Each line stands for itself.
  }

  #takeMapping(line: SourceLine, select: (value: unknown) => unknown): void {
    const event = parseMappingEvent(select(parseLine(line)));
    if (event === undefined) this.#context.countUnreadable(line.number);
    else {
      if (event.time !== undefined) this.#context.sawTime(event.time);
      this.#context.emitMapping(event.form, event);
    }
  }

  #takeSummary(line: SourceLine): void {
    const { unmappings, lostEvents } = (parseLine(line) ?? {}) as Record<string, unknown>;
    const counts = { unmappings: Number(unmappings), lostEvents: Number(lostEvents) };
    if (isCount(counts.unmappings) && isCount(counts.lostEvents)) this.#context.addSummary(counts);
    else this.#context.countUnreadable(line.number);
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function parseLine(line: SourceLine): unknown {
  try {
    return JSON.parse(line.wholeText.trim().replace(/^,|,$/gu, '')) as unknown;
  } catch {
    return undefined;
  }
}
