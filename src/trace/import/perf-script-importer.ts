import { functionName, roleOf } from '../map-functions.ts';
import type { StackFrame } from '../stack-frame.ts';
import type { EventLine } from './ftrace/event-line.ts';
import { readEventFields } from './ftrace/event-text.ts';
import { ProbeEvents } from './ftrace/probe-events.ts';
import type { ImportContext } from './import-context.ts';
import type { LineImporter } from './line-importer.ts';
import type { SourceLine } from './source-line.ts';

/** `comm pid/tid [cpu] time: period event: fields` (tools/perf/builtin-script.c). */
const EVENT =
  /^(?<comm>\S.{0,31}?)\s+(?:\d{1,10}\/)?(?<pid>\d{1,10})\s+(?:\[(?<cpu>\d{1,5})\]\s+)?(?<time>\d{1,12})\.(?<fraction>\d{3,9}):\s+(?:(?:\d{1,20})\s+)?(?<event>[\w-]+(?::[\w-]+)*(?:\/[^\s]*\/)?):(?:[a-zA-Z]{1,4}:)?(?<rest>.*)$/u;
/** `	ffffffff81a2b3c1 dma_buf_vmap+0x1 ([kernel.kallsyms])`; an inlined one may have no address. */
const FRAME =
  /^\s+(?:[0-9a-f]{1,16}\s+)?(?<symbol>[\w.$]{1,256}|\[unknown\])(?:\+0x[0-9a-f]+)?\s+\((?<object>[^()]{0,256})\)\s*$/u;
const LOOKS_LIKE_FRAME = /^\s+[0-9a-f]{6,16}(?:\s|$)/u;
const LOST = /\bPERF_RECORD_LOST\b.*?\blost[: ]+(?<count>\d+)/u;

/** What `perf script` prints: events of probes and samples, each with its stack. */
export class PerfScriptImporter implements LineImporter {
  readonly #context: ImportContext;
  readonly #events: ProbeEvents;

  constructor(context: ImportContext) {
    this.#context = context;
    this.#events = new ProbeEvents(context);
  }

  take(line: SourceLine): boolean {
    const { text } = line;
    if (this.#events.isInStack && this.#takeFrame(line)) return true;
    const lost = LOST.exec(text)?.groups?.['count'];
    if (lost !== undefined) {
      this.#context.countLost(Number(lost));
      return true;
    }
    const groups = EVENT.exec(text)?.groups;
    if (groups === undefined) return false;
    this.#takeEvent(groups, line.number);
    this.#events.beginStack('kernel');
    return true;
  }

  end(): void {
    this.#events.end();
  }

  #takeFrame(line: SourceLine): boolean {
    const { text } = line;
    if (text.trim() === '') {
      this.#events.closeStack();
      return true;
    }
    const { symbol, object = '' } = FRAME.exec(text)?.groups ?? {};
    if (symbol !== undefined) {
      this.#events.addFrame({ name: functionName(symbol), ...moduleOf(object) });
      return true;
    }
    if (!LOOKS_LIKE_FRAME.test(text)) return false;
    this.#context.countUnreadable(line.number);
    return true;
  }

  #takeEvent(groups: Readonly<Record<string, string | undefined>>, line: number): void {
    const { comm = '', pid, cpu, time, fraction = '', event: eventName = '', rest = '' } = groups;
    const event: EventLine = {
      comm,
      pid: Number(pid),
      cpu: cpu === undefined ? -1 : Number(cpu),
      time: Number(`${time}.${fraction}`),
      tickNs: 10 ** (9 - fraction.length),
      body: rest,
    };
    this.#context.sawTime(event.time ?? 0);
    const fields = readEventFields(rest);
    // Of `probe:dma_buf_vmap_1`, perf numbers the probes of one function.
    const { name = '', ends } = /^(?:[\w-]+:)?(?<name>\w+?)(?:_\d+)?(?<ends>__return)?$/u.exec(eventName)?.groups ?? {};
    const form = 'perf-script';
    if (roleOf(name) === 'none') this.#events.other({ form, event, line, fields });
    else this.#events.call({ kind: ends === undefined ? 'call' : 'return', form, line, event, name, fields });
  }
}

/** `[videobuf2_v4l2]`, or the file of a module: its name has `_` for `-` once it is loaded. */
function moduleOf(object: string): Pick<StackFrame, 'module'> {
  if (object.startsWith('[kernel') || object === 'inlined') return {};
  const { bracketed, file } = /^\[(?<bracketed>[\w-]+)\]$|(?<file>[\w-]+)\.ko(?:\.\w+)?$/u.exec(object)?.groups ?? {};
  const module = bracketed ?? file?.replaceAll('-', '_');
  return module === undefined || module === 'unknown' ? {} : { module };
}
