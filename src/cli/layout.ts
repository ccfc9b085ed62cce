import type { BufferLayout } from '../backend/contract.ts';
import { checkPositionalCount, parseArguments, SUCCEEDED } from './command.ts';
import type { Command } from './command.ts';
import { formatLayoutJson } from './layout-json.ts';
import { formatFacts, formatKnownLayout } from './layout-report.ts';
import { LAYOUT_NAME, openTarget, parseTarget } from './layout-target.ts';

const HELP = `Usage: dmabuf layout FD|PID:FD|new:SIZE [--heap NAME] [--all] [--json]

Shows how a buffer's pages lie in physical memory: its runs of contiguous pages,
their orders, and a picture. What a kernel buffer's pages are is found out by
tracing while it is mapped: run it as root, with tracefs mounted.

  FD           a descriptor that this command was started with
  PID:FD       descriptor FD of process PID; "dmabuf ls" lists the processes
  new:SIZE     a new buffer, such as new:8MiB; its allocation is traced, so that
               its entries show as well

  --heap NAME  allocates from this heap. Default: system
  --all        every run, not only the first ones
  --json       one object instead: {buffer: {inode, exporter, name, length},
               layout: {known, source, pageSize, entryCount, runCount, orders,
               largestRunBytes, runs: [{pfn, bytes}]}}, or, where it is not
               known, layout: {known, reason, remedy}
  --help       this text

Exit status: 0; 1 when the buffer's layout is not known here, or there is no
such buffer; 2 for arguments that are none.`;

export const layoutCommand: Command = {
  name: 'layout',
  summary: "shows how a buffer's pages lie in memory",
  help: HELP,
  run: (args, terminal) => {
    const { values, positionals } = parseArguments(LAYOUT_NAME, args, {
      heap: { type: 'string' },
      all: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    checkPositionalCount(LAYOUT_NAME, positionals, 1);
    const opened = openTarget(parseTarget(positionals[0], values['heap'] as string | undefined));
    using buffer = opened.buffer;
    const layout = buffer.layout();
    const print = (lines: readonly string[]): void => lines.forEach((line) => terminal.print(line));
    if (values['json'] === true) print([formatLayoutJson(buffer, layout)]);
    else print(formatFacts(opened, terminal));
    if (!layout.known) throw new Error(explainUnknown(layout));
    if (values['json'] !== true) print(formatKnownLayout(layout, { ...opened, all: values['all'] === true }, terminal));
    return SUCCEEDED;
  },
};

function explainUnknown({ reason, remedy }: Extract<BufferLayout, { known: false }>): string {
  return `Cannot tell the layout as ${reason}${remedy === undefined ? '' : `: ${remedy}`}`;
}
