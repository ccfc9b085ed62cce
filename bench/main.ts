/**
 * `npm run bench`. Exit status: 0, even where a target is missed; 1 when something failed; 2 for
 * wrong usage.
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { FAILED, SUCCEEDED, USED_WRONGLY } from '../src/cli/command.ts';
import type { CommandDescription } from '../src/cli/command-description.ts';
import { formatHelp } from '../src/cli/help-text.ts';
import { parseArguments, UsageError } from '../src/cli/parse-arguments.ts';
import { openTerminal } from '../src/cli/terminal.ts';
import type { Terminal } from '../src/cli/terminal.ts';
import { drawChart } from './chart.ts';
import { measureConversionCurve } from './conversion-curve.ts';
import type { JudgedRow } from './judged-row.ts';
import { describeMachine } from './machine.ts';
import { buildPeers, closePeers } from './peers.ts';
import type { Peers } from './peers.ts';
import { pinToOneCore } from './pin-to-one-core.ts';
import { formatReport, toJson } from './report.ts';
import { BENCH_SUBJECTS } from './subjects.ts';
import type { BenchSubject } from './subjects.ts';

// Compiled, this file is dist/bench/main.js.
const CHART_PATH = fileURLToPath(new URL('../../docs/conversion.svg', import.meta.url));

const DESCRIPTION = {
  invocation: 'npm run bench --',
  summary: 'measures this package beside C',
  paragraphs: [
    'Measures this package beside C, or beside the plain way, taking turns in one run. Times are medians.',
    'A whole run takes some minutes and 4 GiB of memory, and writes docs/conversion.svg.',
  ],
  options: {
    only: {
      value: 'SUBJECT',
      text: `one of ${BENCH_SUBJECTS.map(({ name }) => name).join(', ')}`,
      choices: BENCH_SUBJECTS.map(({ name }) => ({ name })),
    },
    quick: { text: 'little of everything, to see that it runs: the figures mean little' },
    json: { text: 'one object instead of a table; times in ns, null where there was nothing to compare with' },
    guest: {
      text:
        'heap-overhead, camera and kernel-vmap, in emulated guests, which have heaps, a test camera and a kernel module: first ' +
        'of all options',
    },
  },
  exitStatus: '0, also where a number is not reached; 1 when something failed',
} as const satisfies CommandDescription;

interface BenchArguments {
  readonly subjects: readonly BenchSubject[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

function readArguments(args: readonly string[]): BenchArguments {
  const { options, isHelp } = parseArguments(DESCRIPTION, args);
  const { only, quick, json } = options;
  const subjects = only === undefined ? BENCH_SUBJECTS : BENCH_SUBJECTS.filter(({ name }) => name === only);
  return { subjects, quick, json, help: isHelp };
}

async function measure(wanted: BenchArguments, peers: Peers, terminal: Terminal): Promise<JudgedRow[]> {
  const rows: JudgedRow[] = [];
  for (const { name, rows: measureAll, rowsQuickly } of wanted.subjects) {
    terminal.showProgress(`${name} …`);
    // Garbage of the previous subject must not be collected while this one is timed.
    globalThis.gc?.();
    for await (const row of wanted.quick ? rowsQuickly(peers) : measureAll(peers)) {
      rows.push(row);
      terminal.showProgress(`${name} … ${row.subject}`);
    }
  }
  return rows;
}

/** A part of the rows, or rows without C, must not replace the chart of the whole. */
function writeChart(wanted: BenchArguments, peers: Peers, terminal: Terminal): string | undefined {
  if (wanted.quick || wanted.subjects !== BENCH_SUBJECTS || !peers.conversion.built) return undefined;
  terminal.showProgress('chart …');
  writeFileSync(CHART_PATH, drawChart(measureConversionCurve(peers.conversion)));
  return CHART_PATH;
}

async function run(wanted: BenchArguments, terminal: Terminal): Promise<void> {
  const core = pinToOneCore();
  terminal.showProgress('building the C programs …');
  const peers = buildPeers();
  try {
    const rows = await measure(wanted, peers, terminal);
    const chartPath = writeChart(wanted, peers, terminal);
    const report = { machine: describeMachine(core), peers, rows, chartPath };
    terminal.clearProgress();
    const lines = wanted.json ? [JSON.stringify(toJson(report))] : formatReport(report);
    for (const line of lines) terminal.print(line);
  } finally {
    closePeers(peers);
  }
}

async function main(): Promise<void> {
  // The reader of the output may stop reading, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? SUCCEEDED : FAILED),
  );
  const terminal = openTerminal(process);
  try {
    const wanted = readArguments(process.argv.slice(2));
    if (wanted.help) for (const line of formatHelp(DESCRIPTION, terminal.columns)) terminal.print(line);
    else await run(wanted, terminal);
    process.exitCode = SUCCEEDED;
  } catch (error) {
    terminal.clearProgress();
    if (!(error instanceof UsageError)) process.stderr.write('The benchmark failed.\n');
    process.stderr.write(error instanceof UsageError ? `${error.message}\n` : `${(error as Error).stack}\n`);
    process.exitCode = error instanceof UsageError ? USED_WRONGLY : FAILED;
  }
}

await main();
