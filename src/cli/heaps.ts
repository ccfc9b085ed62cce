import { listHeaps } from '../backend/detect.ts';
import type { HeapListing } from '../backend/contract.ts';
import { checkPositionalCount, parseArguments, SUCCEEDED } from './command.ts';
import type { Command } from './command.ts';
import { formatLabelled, formatTable } from './table.ts';
import { WIDTH } from './terminal.ts';

const HELP = `Usage: dmabuf heaps [--json]

Lists the heaps of this machine: where the memory of each comes from, whether it
can be used and, where not, why and what would help.

  --json   an array of {name, backend, available, reason, remedy} instead;
           remedy is null where there is none to name
  --help   this text`;

const NAME = 'dmabuf heaps';
const REMEDY_LABEL = '    remedy: ';

export const heapsCommand: Command = {
  name: 'heaps',
  summary: 'lists the heaps of this machine, and why one is missing',
  help: HELP,
  run: (args, terminal) => {
    const { values, positionals } = parseArguments(NAME, args, { json: { type: 'boolean' } });
    checkPositionalCount(NAME, positionals, 0);
    const listings = listHeaps();
    const lines = values['json'] === true ? [formatJson(listings)] : formatListings(listings);
    for (const line of lines) terminal.print(line);
    return SUCCEEDED;
  },
};

function formatJson(listings: readonly HeapListing[]): string {
  return JSON.stringify(
    listings.map(({ name, backend, available, reason, remedy = null }) => ({
      name,
      backend,
      available,
      reason,
      remedy,
    })),
  );
}

/** A line for each heap, with the remedy under it. */
function formatListings(listings: readonly HeapListing[]): string[] {
  const [heading = '', ...rows] = formatTable(
    [
      { heading: 'HEAP', align: 'left' },
      { heading: 'BACKEND', align: 'left' },
      { heading: 'AVAILABLE', align: 'left' },
      // So that every row is padded: what follows is broken to fit.
      { heading: '|', align: 'left' },
    ],
    listings.map(({ name, backend, available }) => [name, backend, available ? 'yes' : 'no', '|']),
  );
  const described = rows.flatMap((row, index) => {
    const { reason = '', remedy } = listings[index] ?? {};
    const lines = formatLabelled(row.slice(0, -1), reason, WIDTH);
    return remedy === undefined ? lines : lines.concat(formatLabelled(REMEDY_LABEL, remedy, WIDTH));
  });
  return [`${heading.slice(0, -1)}WHAT IT IS, OR WHY IT IS MISSING`, ...described];
}
