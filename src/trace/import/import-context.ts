import { UNREADABLE_LINES_MAX } from '../mapping-event.ts';
import type {
  MappingEvent,
  TraceForm,
  TraceRecord,
  TraceSummary,
  UnmappingEvent,
  UnreadableLine,
} from '../mapping-event.ts';

type WithoutOrigin<Event> = Omit<Event, 'form' | 'file'> & { readonly form?: TraceForm };

/** What importers of one file share: where their records go, and what is counted. */
export class ImportContext {
  /** Set by a page or a tool around the text, whose lines have the form of another source. */
  outerForm: TraceForm | undefined;
  readonly #file: string | undefined;
  readonly #emit: (record: TraceRecord) => void;
  readonly #unreadable: UnreadableLine[] = [];
  #unreadableCount = 0;
  #mappings = 0;
  #unmappings = 0;
  #lostEvents = 0;
  #firstTime = Number.NaN;
  #lastTime = Number.NaN;

  constructor(file: string | undefined, emit: (record: TraceRecord) => void) {
    this.#file = file;
    this.#emit = emit;
  }

  emitMapping(form: TraceForm, event: WithoutOrigin<MappingEvent>): void {
    this.#mappings += event.count ?? 1;
    this.#emit(Object.assign(this.#origin('mapping', form), event, { form: this.outerForm ?? event.form ?? form }));
  }

  emitUnmapping(form: TraceForm, event: WithoutOrigin<UnmappingEvent>): void {
    this.#unmappings += event.count ?? 1;
    this.#emit(Object.assign(this.#origin('unmapping', form), event, { form: this.outerForm ?? event.form ?? form }));
  }

  /** A time of the text, in seconds: how much of it was seen. */
  sawTime(seconds: number): void {
    if (!(this.#firstTime <= seconds)) this.#firstTime = seconds;
    if (!(this.#lastTime >= seconds)) this.#lastTime = seconds;
  }

  countUnreadable(line: number): void {
    this.#unreadableCount += 1;
    if (this.#unreadable.length >= UNREADABLE_LINES_MAX) return;
    this.#unreadable.push(this.#file === undefined ? { line } : { file: this.#file, line });
  }

  /** @param count how many; at least one where the source does not say */
  countLost(count: number): void {
    this.#lostEvents += Math.max(1, count);
  }

  /** Unmappings and losses that another summary, in a file of ours, has counted. */
  addSummary({ unmappings, lostEvents }: Pick<TraceSummary, 'unmappings' | 'lostEvents'>): void {
    this.#unmappings += unmappings;
    this.#lostEvents += lostEvents;
  }

  summary(): TraceSummary {
    const span = this.#lastTime - this.#firstTime;
    return {
      kind: 'summary',
      mappings: this.#mappings,
      unmappings: this.#unmappings,
      unreadableLines: [...this.#unreadable],
      ...(this.#unreadableCount > this.#unreadable.length ? { unreadableLineCount: this.#unreadableCount } : {}),
      lostEvents: this.#lostEvents,
      ...(Number.isNaN(span) ? {} : { timeSpanSeconds: Number(span.toFixed(9)) }),
    };
  }

  /** In the order of the documented form: kind, form, file. */
  #origin<Kind extends string>(kind: Kind, form: TraceForm): { kind: Kind; form: TraceForm; file?: string } {
    return this.#file === undefined ? { kind, form } : { kind, form, file: this.#file };
  }
}
