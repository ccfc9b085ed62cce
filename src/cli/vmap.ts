import { DmaBufError } from '../base/errors.ts';
import { parseSize } from '../base/sizes.ts';
import { EMBEDDED_HEAP_NAME, ORDER_MIXES, isOrderMixName } from '../backend/embedded/index.ts';
import type { OrderMixName } from '../backend/embedded/index.ts';
import { defaultMainJobLength, runMainJob } from '../measure/main-job.ts';
import type { MainJobReport } from '../measure/main-job.ts';
import type { JobStep } from '../measure/progress.ts';
import { checkPositionalCount, parseArguments, SUCCEEDED, UsageError } from './command.ts';
import type { Command } from './command.ts';
import { formatLabelled } from './table.ts';
import { WIDTH } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { toJson } from './vmap-json.ts';
import { formatReport } from './vmap-report.ts';

const NAME = 'dmabuf vmap';
const MIX_NAMES = Object.keys(ORDER_MIXES).join(', ');
const MIX_DEFAULT: OrderMixName = 'B';

const HELP = `Usage: dmabuf vmap [SIZE] [--mix A..E] [--heap NAME] [--json]

Allocates a buffer of scattered pages, turns its scatter-gather table into an
array of pages (page by page and entry by entry, here and in C), maps it as one
contiguous view (page by page and run by run), proves the view right, and shows
what each step cost.

  SIZE         such as 64MiB, 64M or 1.5GiB; without it 2 GiB, or half of the
               available memory where that is less
  --mix A..E   the orders that the buffer is made of; without it ${MIX_DEFAULT}
${describeMixes().join('\n')}
  --heap NAME  only "system" so far; "dmabuf heaps" lists what there is
  --json       one object instead: {size, pages, entries, runs, backend, mix,
               conversion: {byPageNs, ...}, vmap: {byRunNs, ...}, verified,
               ...}; sizes in bytes, times in ns for the whole buffer (medians),
               null where not measured
  --help       this text

Exit status: 0, also where the view was refused because it takes more mappings
than the system allows; 1 when a step failed or the view was wrong; 2 for
arguments that are none.`;

function describeMixes(): string[] {
  const indent = ' '.repeat(15);
  return Object.entries(ORDER_MIXES).flatMap(([name, { reason }]) =>
    formatLabelled(`${indent}${name}  `, reason, WIDTH),
  );
}

const WRONG_VIEW =
  'Cannot vouch for the view as stamps were not where they belong: this is a bug, please report it with this output';

const STEP_TEXTS: Readonly<Record<JobStep, string>> = {
  'open the heap': 'Opening the heap',
  'convert to pages': 'Turning the table into pages',
  'convert to pages in C': 'Turning the table into pages in C',
  'commit the memory': 'Committing the memory',
  'map run by run': 'Mapping run by run',
  'prove the window': 'Proving the window',
  'map page by page': 'Mapping page by page',
};

export const vmapCommand: Command = {
  name: 'vmap',
  summary: 'maps scattered pages as one view, and shows what it costs',
  help: HELP,
  run: (args, terminal) => {
    const { length, mix, json } = readArguments(args);
    const report = runMainJob({
      length,
      mix,
      onProgress: (step, done, total) => terminal.showProgress(describeProgress(STEP_TEXTS[step], done, total)),
    });
    terminal.clearProgress();
    print(report, json, terminal);
    if (report.verified === false) throw new Error(WRONG_VIEW);
    return SUCCEEDED;
  },
};

function describeProgress(text: string, done: number, total: number): string {
  return total === 1 ? `${text} …` : `${text} … ${Math.floor((done / total) * 100)} %`;
}

function readArguments(args: readonly string[]): { length: number; mix: OrderMixName; json: boolean } {
  const { values, positionals } = parseArguments(NAME, args, {
    mix: { type: 'string' },
    heap: { type: 'string' },
    json: { type: 'boolean' },
  });
  checkPositionalCount(NAME, positionals, 1);
  const length = readLength(positionals[0]);
  const mix = readMix(values['mix']);
  checkHeap(values['heap']);
  return { length, mix, json: values['json'] === true };
}

function readLength(text: string | undefined): number {
  if (text === undefined) return defaultMainJobLength();
  let length: number;
  try {
    length = parseSize(text);
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}; for example 64MiB`, { cause });
  }
  if (length >= 1) return length;
  throw new UsageError(`Cannot use "${text}" as SIZE as a buffer has at least one byte: try 64MiB`);
}

function readMix(text: string | boolean | undefined): OrderMixName {
  if (text === undefined) return MIX_DEFAULT;
  const mix = String(text).toUpperCase();
  if (isOrderMixName(mix)) return mix;
  throw new UsageError(`Cannot use "${text}" as a mix as it must be one of ${MIX_NAMES}: see "${NAME} --help"`);
}

function checkHeap(name: string | boolean | undefined): void {
  if (name === undefined || name === EMBEDDED_HEAP_NAME) return;
  throw new DmaBufError(
    `Cannot open heap "${name}" as this version allocates from "${EMBEDDED_HEAP_NAME}" only: "dmabuf heaps" lists what there is`,
    { code: 'ENODEV', values: { name: String(name) } },
  );
}

function print(report: MainJobReport, json: boolean, terminal: Terminal): void {
  const lines = json ? [JSON.stringify(toJson(report))] : formatReport(report, terminal);
  for (const line of lines) terminal.print(line);
}
