import type { TraceTask } from '../../mapping-event.ts';

/** What a line of a report means for the call trace that it belongs to. */
export type LogText =
  | { readonly kind: 'header'; readonly task?: TraceTask }
  | { readonly kind: 'heading'; readonly cpu?: number; readonly task: TraceTask }
  | { readonly kind: 'modules'; readonly outOfTree: readonly string[] }
  | { readonly kind: 'section-end' | 'section' | 'end' | 'other' };

const HEADER =
  /^\s*(?:(?:Call|call) (?:T|t)race|Backtrace|(?:stack )?backtrace|Stack)\s*:|^\s*(?:Allocated|Freed|Last potentially related work creation|Created) by task (?<pid>\d{1,10})|^\s*(?:Last potentially related work creation|-> #\d+ \()/u;
/** dump_stack_print_info (lib/dump_stack.c); `UID:` since 6.12. */
const HEADING =
  /^\s*CPU: (?<cpu>\d{1,5}) (?:UID: \d{1,10} )?PID: (?<pid>\d{1,10}) Comm: (?<comm>.{1,15}?)(?: (?:Not tainted|Tainted|Kdump)|\s{2}|$)/u;
/** sched_show_task (kernel/sched/core.c), and check_hung_task's line. */
const SHOWN_TASK = /^\s*task:(?<comm>.{1,15}?)\s+state:.{1,80}?\bpid:\s?(?<pid>\d{1,10})\b/u;
const HUNG_TASK = /^\s*INFO: task (?<comm>.{1,15}):(?<pid>\d{1,10}) blocked for more than/u;
const MODULES = /^\s*Modules linked in:(?<list>.*)$/u;
const OUT_OF_TREE = /\b(?<name>[\w-]{1,64})\([A-Z+-]{0,7}O[A-Z+-]{0,7}\)/gu;
const SECTION_END = /^\s*(?:<\/(?:IRQ|NMI|SOFTIRQ|EXCEPTION|#DF)>|<EOI>)\s*$/u;
const SECTION = /^\s*<(?:IRQ|NMI|TASK|SOFTIRQ|EXCEPTION|#DF)>\s*$/u;
const END = /^\s*(?:---\[ end |Code: |Kernel panic|={8,}|-{8,}|<\/TASK>|$)/u;

export function parseLogText(text: string): LogText {
  const header = HEADER.exec(text);
  if (header !== null) {
    const pid = header.groups?.['pid'];
    return pid === undefined ? { kind: 'header' } : { kind: 'header', task: { pid: Number(pid) } };
  }
  const heading = (HEADING.exec(text) ?? SHOWN_TASK.exec(text) ?? HUNG_TASK.exec(text))?.groups;
  if (heading !== undefined) {
    const { cpu, comm = '', pid } = heading;
    return { kind: 'heading', ...(cpu === undefined ? {} : { cpu: Number(cpu) }), task: { comm, pid: Number(pid) } };
  }
  const list = MODULES.exec(text)?.groups?.['list'];
  if (list !== undefined) {
    const names = [...list.matchAll(OUT_OF_TREE)].flatMap(({ groups }) => groups?.['name'] ?? []);
    return { kind: 'modules', outOfTree: names };
  }
  if (SECTION_END.test(text)) return { kind: 'section-end' };
  if (SECTION.test(text)) return { kind: 'section' };
  return { kind: END.test(text) ? 'end' : 'other' };
}
