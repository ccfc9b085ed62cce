import type { BufferLayout } from '../../heap/backend.ts';
import { CommandFailure, SUCCEEDED } from '../command.ts';
import type { Command } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { writeJsonLine } from '../json-line.ts';
import { parseArguments } from '../parse-arguments.ts';
import { toLayoutJson } from './json.ts';
import { formatFacts, formatKnownLayout } from './report.ts';
import { openTarget, parseTarget } from './target.ts';

const DESCRIPTION = {
  invocation: 'dmabuf layout',
  summary: "shows how a buffer's pages lie in memory",
  paragraphs: [
    "Shows how a buffer's pages lie in physical memory: its runs of contiguous pages, their orders, and a picture. What a kernel " +
      "buffer's pages are is found out by tracing while it is mapped: run it as root, with tracefs mounted.",
  ],
  argument: {
    usage: 'FD|PID:FD|new:SIZE',
    forms: [
      { name: 'FD', text: 'a descriptor that this command was started with' },
      { name: 'PID:FD', text: 'descriptor FD of process PID; "dmabuf ls" lists the processes' },
      {
        name: 'new:SIZE',
        text: 'a new buffer, such as new:8MiB; its allocation is traced, so that its entries show as well',
      },
    ],
    suggestions: ['new:'],
  },
  options: {
    heap: { value: 'NAME', text: 'allocates from this heap. Default: system', completion: 'heap' },
    all: { text: 'every run, not only the first ones' },
    json: {
      text:
        'one object instead, of the format dmabuf-layout: {buffer: {inode, exporter, name, length}, layout: {known, source, ' +
        'pageSize, entryCount, runCount, orders, largestRunBytes, runs: [{pfn, bytes}]}}, or, where it is not known, layout: ' +
        '{known, reason, remedy}',
    },
  },
  exitStatus: "0; 1 when the buffer's layout is not known here, or there is no such buffer",
} as const satisfies CommandDescription;

export const layoutCommand: Command = {
  name: 'layout',
  description: DESCRIPTION,
  run: (args, terminal) => {
    const { options, words } = parseArguments(DESCRIPTION, args);
    const opened = openTarget(parseTarget(words[0], options.heap));
    using buffer = opened.buffer;
    const layout = buffer.layout();
    const print = (lines: readonly string[]): void => lines.forEach((line) => terminal.print(line));
    if (options.json) writeJsonLine(toLayoutJson(buffer, layout), terminal.writeJson);
    else print(formatFacts(opened, terminal));
    if (!layout.known) throw new CommandFailure(explainUnknown(layout));
    if (!options.json) print(formatKnownLayout(layout, { ...opened, all: options.all }, terminal));
    return SUCCEEDED;
  },
};

function explainUnknown({ reason, remedy }: Extract<BufferLayout, { known: false }>): string {
  return `Cannot tell the layout as ${reason}${remedy === undefined ? '' : `: ${remedy}`}`;
}
