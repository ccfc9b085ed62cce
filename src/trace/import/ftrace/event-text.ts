import { functionName } from '../../map-functions.ts';
import { readResult } from '../function-graph/call-details.ts';

/** What an event's fields say of a buffer and of a call. */
export interface EventFields {
  readonly sizeBytes?: number;
  readonly exporter?: string;
  readonly buffer?: string;
  readonly result?: number;
  /** Of the device that the function works for. */
  readonly driver?: string;
  /** The task's name, where the event has it as a field. */
  readonly comm?: string;
}

/** The text of an event. */
type EventText =
  | { readonly kind: 'call'; readonly name: string; readonly caller?: string; readonly fields: EventFields }
  | { readonly kind: 'return'; readonly name: string; readonly caller?: string; readonly fields: EventFields }
  | { readonly kind: 'function'; readonly name: string; readonly caller: string }
  | { readonly kind: 'graph'; readonly text: string }
  | { readonly kind: 'graph-call' | 'graph-return'; readonly name: string }
  | { readonly kind: 'stack' | 'user-stack' }
  | { readonly kind: 'switch'; readonly fromPid: number }
  | { readonly kind: 'other'; readonly fields: EventFields };

const STACK = /^(?:kernel_stack:\s+)?<stack trace ?>\s*$/u;
const USER_STACK = /^(?:user_stack:\s+)?<user stack trace ?>/u;
/** `name <-caller`, and trace-cmd's `function: name <-- caller`. */
const FUNCTION =
  /^(?:function:\s+)?(?<name>[\w.$]{1,256})(?: \[\w+\])?(?:\+0x[0-9a-f]+)?\s+<--?\s?(?<caller>[\w.$]{1,256})(?: \[\w+\])?(?:\+0x[0-9a-f]+)?\s*$/u;
const GRAPH = /^funcgraph_(?:entry|exit):\s*(?<text>.*)$/u;
const FLAT_GRAPH = /^graph_(?<which>ent|ret): func=(?<name>[\w.$]{1,256})\s*$/u;
/**
 * Where a probe is: `(dma_buf_vmap+0x4/0xf0)` (kernel/trace/trace_kprobe.c, print_kprobe_event).
 */
const CALL =
  /^[\w.:-]{1,128}:\s+\((?<name>[a-z_][\w.$]{0,255})(?:\+0x[0-9a-f]+)?(?:\/0x[0-9a-f]+)?(?: \[\w+\])?\)(?<rest>.*)$/iu;
/** Of a return: `(caller+0x3b/0x60 <- dma_buf_vmap)` (print_kretprobe_event). */
const RETURN =
  /^[\w.:-]{1,128}:\s+\((?<caller>[\w.$]{1,256})(?:\+0x[0-9a-f]+)?(?:\/0x[0-9a-f]+)?(?: \[\w+\])? <- (?<name>[\w.$]{1,256})(?:\+0x[0-9a-f]+)?(?:\/0x[0-9a-f]+)?(?: \[\w+\])?\)(?<rest>.*)$/u;
const SWITCH = /^sched_switch:\s.*?\bprev_pid=(?<pid>\d{1,10})\b/u;
/** trace-cmd's own form of it: `sched_switch: comm:pid [prio] R ==> comm:pid [prio]`. */
const SHORT_SWITCH = /^sched_switch:\s+.{1,32}:(?<pid>\d{1,10}) \[\d+\] \S+ ==> /u;

const SIZE = /\b(?:size|sizeBytes|len)=(?<size>0x[0-9a-f]{1,14}|\d{1,15})\b/u;
const EXPORTER = /\bexp(?:orter|_name)?=(?:"(?<quoted>[^"]{1,128})"|(?<plain>[\w.:-]{1,128}))/u;
const BUFFER = /\b(?:buf|dmabuf|dma_buf|buffer)=(?<buffer>0x[0-9a-f]{1,16})\b/u;
const COMM = /\bcomm="(?<comm>[^"]{1,32})"/u;
const DRIVER = /\bdriver="(?<driver>[^"]{1,64})"/u;
const RESULT = /\b(?:ret|retval|result)=(?<result>-?(?:0x)?[0-9a-f]{1,19})\b/u;

export function parseEventText(body: string): EventText {
  if (STACK.test(body)) return { kind: 'stack' };
  if (USER_STACK.test(body)) return { kind: 'user-stack' };
  const graph = GRAPH.exec(body)?.groups?.['text'];
  if (graph !== undefined) return { kind: 'graph', text: graph };
  const flat = FLAT_GRAPH.exec(body)?.groups;
  if (flat !== undefined)
    return { kind: flat['which'] === 'ent' ? 'graph-call' : 'graph-return', name: functionName(flat['name'] ?? '') };
  const called = FUNCTION.exec(body)?.groups;
  if (called !== undefined)
    return { kind: 'function', ...namesOf(called), caller: functionName(called['caller'] ?? '') };
  const pid = (SWITCH.exec(body) ?? SHORT_SWITCH.exec(body))?.groups?.['pid'];
  if (pid !== undefined) return { kind: 'switch', fromPid: Number(pid) };
  return parseProbe(body) ?? { kind: 'other', fields: readEventFields(body) };
}

function parseProbe(body: string): EventText | undefined {
  const returned = RETURN.exec(body)?.groups;
  if (returned !== undefined)
    return { kind: 'return', ...namesOf(returned), fields: readEventFields(returned['rest'] ?? '') };
  const called = CALL.exec(body)?.groups;
  // An address that has no name, `(ffffffff81a2b3c0)`, says nothing.
  if (called === undefined || /^[0-9a-f]{8,16}$/u.test(called['name'] ?? '')) return undefined;
  return { kind: 'call', ...namesOf(called), fields: readEventFields(called['rest'] ?? '') };
}

function namesOf(groups: Readonly<Record<string, string | undefined>>): { name: string; caller?: string } {
  const { name = '', caller } = groups;
  return { name: functionName(name), ...(caller === undefined ? {} : { caller: functionName(caller) }) };
}

/** Of fields that cannot be read, `(fault)`, nothing is known. */
export function readEventFields(text: string): EventFields {
  const size = SIZE.exec(text)?.groups?.['size'];
  const { quoted, plain } = EXPORTER.exec(text)?.groups ?? {};
  const buffer = BUFFER.exec(text)?.groups?.['buffer'];
  const driver = DRIVER.exec(text)?.groups?.['driver'];
  const comm = COMM.exec(text)?.groups?.['comm'];
  const resultText = RESULT.exec(text)?.groups?.['result'];
  const result = resultText === undefined ? undefined : readResult(resultText);
  const exporter = quoted ?? plain;
  return {
    ...(size === undefined ? {} : { sizeBytes: Number(size) }),
    ...(exporter === undefined ? {} : { exporter }),
    ...(buffer === undefined ? {} : { buffer }),
    ...(result === undefined ? {} : { result }),
    ...(driver === undefined ? {} : { driver }),
    ...(comm === undefined ? {} : { comm }),
  };
}
