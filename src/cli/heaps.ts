import { listHeaps } from '../backend/list-heaps.ts';
import type { HeapInfo } from '../heap/backend.ts';
import { SUCCEEDED } from './command.ts';
import type { Command } from './command.ts';
import type { CommandDescription } from './command-description.ts';
import { writeJsonLine } from './json-line.ts';
import { parseArguments } from './parse-arguments.ts';
import { formatLabelled, formatTable, wrapText } from './table.ts';
import { COLUMNS_MAX } from './terminal.ts';

const DESCRIPTION = {
  invocation: 'dmabuf heaps',
  summary: 'lists the heaps of this machine, and why one is missing',
  paragraphs: [
    'Lists the heaps of this machine: where the memory of each comes from, whether it can be used and, where not, why and what ' +
      'would help; and what only some can do, as far as their names tell: contiguous or uncached memory, memory below 4 GiB, ' +
      'and protected memory, which devices alone may use.',
  ],
  options: {
    json: {
      text:
        'one object instead, of the format dmabuf-heaps: {heaps: [{name, backend, available, reason, remedy, contiguous, ' +
        'uncached, below4GiB, cpuMappable}]}; remedy is null where there is none to name, and those after it are true or ' +
        'false, by the name',
    },
  },
  exitStatus: '0',
} as const satisfies CommandDescription;

const INDENT = '    ';
const REMEDY_LABEL = `${INDENT}remedy: `;
/** In fewer columns, a heap's text would be only a word or two wide. */
const TABLE_COLUMNS_MIN = 60;

export const heapsCommand: Command = {
  name: 'heaps',
  description: DESCRIPTION,
  run: (args, terminal) => {
    const { json } = parseArguments(DESCRIPTION, args).options;
    const heaps = listHeaps();
    if (json) writeJsonLine(toHeapsJson(heaps), terminal.writeJson);
    else for (const line of formatHeaps(heaps, terminal.columns)) terminal.print(line);
    return SUCCEEDED;
  },
};

/** The list for programs: docs/schemas/dmabuf-heaps.schema.json. */
function toHeapsJson(heaps: readonly HeapInfo[]): object {
  return {
    format: 'dmabuf-heaps',
    version: 1,
    heaps: heaps.map(({ name, backend, available, reason, remedy = null, ...properties }) => ({
      name,
      backend,
      available,
      reason,
      remedy,
      ...properties,
    })),
  };
}

/** A line per heap, with the remedy below it. */
function formatHeaps(heaps: readonly HeapInfo[], columns: number): string[] {
  if (columns < TABLE_COLUMNS_MIN) return heaps.flatMap((heap) => formatHeapBelow(heap, columns));
  const [heading = '', ...rows] = formatTable(
    [
      { heading: 'HEAP', align: 'left' },
      { heading: 'BACKEND', align: 'left' },
      { heading: 'AVAILABLE', align: 'left' },
      // Makes every row padded: the text that follows is wrapped.
      { heading: '|', align: 'left' },
    ],
    heaps.map(({ name, backend, available }) => [name, backend, available ? 'yes' : 'no', '|']),
    COLUMNS_MAX,
  );
  const described = rows.flatMap((row, index) => {
    const { reason = '', remedy } = heaps[index] ?? {};
    const lines = formatLabelled(row.slice(0, -1), reason, columns);
    return remedy === undefined ? lines : lines.concat(formatLabelled(REMEDY_LABEL, remedy, columns));
  });
  return [`${heading.slice(0, -1)}WHAT IT IS, OR WHY IT IS MISSING`, ...described];
}

function formatHeapBelow({ name, backend, available, reason, remedy }: HeapInfo, columns: number): string[] {
  return [
    ...wrapText(`${name}, ${backend} backend: ${available ? '' : 'not '}available`, columns),
    ...formatLabelled(INDENT, reason, columns),
    ...(remedy === undefined ? [] : formatLabelled(REMEDY_LABEL, remedy, columns)),
  ];
}
