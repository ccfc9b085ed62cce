import type { TraceForm } from '../../mapping-event.ts';
import { EventGraph } from '../function-graph/event-graph.ts';
import type { ImportContext } from '../import-context.ts';
import type { LineImporter } from '../line-importer.ts';
import type { SourceLine } from '../source-line.ts';
import { looksLikeEvent, parseEventLine } from './event-line.ts';
import type { EventLine } from './event-line.ts';
import { parseEventText } from './event-text.ts';
import { ProbeEvents } from './probe-events.ts';
import { looksLikeStackLine, parseStackLine } from './stack-line.ts';

const TRACE_CMD = /^(?:cpus=\d+|version = \d+)\s*$/u;
const LOST = /^\s*CPU:(?<cpu>\d+) \[(?:LOST )?(?:(?<count>\d+) )?EVENTS(?: DROPPED)?\]\s*$/u;
const TRACER = /^# tracer: (?<name>\w+)/u;

/**
 * ftrace's text: events of probes with their returns, the function tracer, stacks of both, and
 * function_graph as trace-cmd reports it.
 */
export class FtraceImporter implements LineImporter {
  readonly #context: ImportContext;
  readonly #events: ProbeEvents;
  readonly #graph: EventGraph;
  #isTraceCmd = false;

  constructor(context: ImportContext) {
    this.#context = context;
    this.#events = new ProbeEvents(context);
    this.#graph = new EventGraph(context);
  }

  take(line: SourceLine): boolean {
    const { text } = line;
    if (this.#takeFrame(line)) return true;
    const event = parseEventLine(text);
    if (event !== undefined) {
      this.#takeEvent(event, line.number);
      return true;
    }
    if (looksLikeEvent(text)) {
      this.#events.closeStack();
      this.#context.countUnreadable(line.number);
      return true;
    }
    return this.#takeHeader(text);
  }

  end(): void {
    this.#events.end();
    this.#graph.end();
  }

  #takeFrame(line: SourceLine): boolean {
    if (!this.#events.isInStack || !looksLikeStackLine(line.text)) return false;
    const frame = parseStackLine(line.text);
    if (frame === undefined) this.#context.countUnreadable(line.number);
    else this.#events.addFrame(frame);
    return true;
  }

  #takeHeader(text: string): boolean {
    const lost = LOST.exec(text)?.groups;
    if (lost !== undefined) {
      this.#context.countLost(Number(lost['count'] ?? 0));
      this.#graph.lose(Number(lost['cpu']));
      return true;
    }
    if (TRACE_CMD.test(text)) {
      this.#isTraceCmd = true;
      return true;
    }
    const tracer = TRACER.exec(text)?.groups?.['name'];
    return tracer === 'nop' || tracer === 'function' || /^#\s+(?:TASK-PID|\| |[|/_])/u.test(text);
  }

  #takeEvent(event: EventLine, line: number): void {
    if (event.time !== undefined) this.#context.sawTime(event.time);
    const text = parseEventText(event.body);
    switch (text.kind) {
      case 'stack':
        return this.#events.beginStack('kernel', event.pid);
      case 'user-stack':
        return this.#events.beginStack('program');
      case 'graph':
        this.#isTraceCmd = true;
        return this.#graph.take(event, text.text, line);
      case 'graph-call':
      case 'graph-return':
        return this.#graph.takeFlat(event, line, { name: text.name, isCall: text.kind === 'graph-call' });
      case 'switch':
        this.#events.preempt(text.fromPid);
        return this.#events.other({ form: this.#formOf('call'), event, line, fields: {} });
      case 'other':
        return this.#events.other({ form: this.#formOf('call'), event, line, fields: text.fields });
      case 'function':
        return this.#events.call({ ...text, form: this.#formOf('function'), line, event, kind: 'call', fields: {} });
      case 'call':
      case 'return':
        return this.#events.call({ ...text, form: this.#formOf('call'), line, event });
    }
  }

  #formOf(kind: 'call' | 'function'): TraceForm {
    if (this.#isTraceCmd) return 'trace-cmd';
    return kind === 'function' ? 'function' : 'event';
  }
}
