/** `npm run bench`. Exit status: 0, also where a number is not reached; 1 when something failed; 2 when it was used wrongly. */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { FAILED, parseArguments, SUCCEEDED, USED_WRONGLY, UsageError } from '../src/cli/command.ts';
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

const COMMAND = 'npm run bench --';
const SUBJECT_NAMES = BENCH_SUBJECTS.map(({ name }) => name).join(', ');

// Compiled, this file is dist/bench/main.js.
const CHART_PATH = fileURLToPath(new URL('../../docs/conversion.svg', import.meta.url));

const HELP = `Usage: ${COMMAND} [--only SUBJECT] [--quick] [--json]

Measures this package beside C, or beside the plain way, taking turns in one run. Times are medians.

  --only SUBJECT  one of ${SUBJECT_NAMES}
  --quick         little of everything, to see that it runs: the figures mean little
  --json          one object instead of a table; times in ns, null where there was nothing to compare with
  --guest         heap-overhead alone, in the emulated guest, which has heaps: first of all options
  --help          this text

A whole run takes some minutes and 4 GiB of memory, and writes docs/conversion.svg.
Exit status: 0, also where a number is not reached; 1 when something failed; 2 for arguments that are none.`;

interface BenchArguments {
  readonly subjects: readonly BenchSubject[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

function readArguments(args: readonly string[]): BenchArguments {
  const { values, positionals } = parseArguments(COMMAND, args, {
    only: { type: 'string' },
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (positionals[0] !== undefined) throw new UsageError(`Cannot use "${positionals[0]}": see "${COMMAND} --help"`);
  return {
    subjects: chooseSubjects(values['only']),
    quick: values['quick'] === true,
    json: values['json'] === true,
    help: values['help'] === true,
  };
}

function chooseSubjects(name: string | boolean | undefined): readonly BenchSubject[] {
  if (name === undefined) return BENCH_SUBJECTS;
  const chosen = BENCH_SUBJECTS.filter((subject) => subject.name === name);
  if (chosen.length > 0) return chosen;
  throw new UsageError(`Cannot measure "${name}" as it must be one of ${SUBJECT_NAMES}`);
}

async function measure(wanted: BenchArguments, peers: Peers, terminal: Terminal): Promise<JudgedRow[]> {
  const rows: JudgedRow[] = [];
  for (const { name, rows: measureAll, rowsQuickly } of wanted.subjects) {
    terminal.showProgress(`${name} …`);
    // What the subject before has left behind is not to be collected while this one is timed.
    globalThis.gc?.();
    for await (const row of wanted.quick ? rowsQuickly(peers) : measureAll(peers)) {
      rows.push(row);
      terminal.showProgress(`${name} … ${row.subject}`);
    }
  }
  return rows;
}

/** A part of the rows does not replace what the whole has drawn, nor do rows without C. */
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
  // Whoever reads may stop reading, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? SUCCEEDED : FAILED),
  );
  const terminal = openTerminal(process);
  try {
    const wanted = readArguments(process.argv.slice(2));
    if (wanted.help) terminal.print(HELP);
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
