/** The results of a run of the benchmarks: as a table for people, as an object for programs. */

import { formatDuration, formatRatio } from '../src/base/number-format.ts';
import { formatTable } from '../src/cli/table.ts';
import { COLUMNS_MAX } from '../src/cli/terminal.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { isReached, ratioAtMost } from './judged-row.ts';
import type { JudgedRow } from './judged-row.ts';
import { formatMachine } from './machine.ts';
import type { Machine } from './machine.ts';
import type { Peers } from './peers.ts';

export interface BenchReport {
  readonly machine: Machine;
  readonly peers: Peers;
  readonly rows: readonly JudgedRow[];
  /** The path of the chart, if it was written. */
  readonly chartPath: string | undefined;
}

const NOT_MEASURED = 'n/a';
const LABEL_WIDTH = 12;

/** The report in the form of `--json`. Times in ns; null without a comparison. */
export function toJson({ machine, peers, rows, chartPath }: BenchReport): object {
  const built = Object.entries(peers).map(([name, peer]: [string, CPeer]) => [
    name,
    peer.built ? { command: peer.command, compiler: peer.compiler } : { missingBecause: peer.reason },
  ]);
  return {
    machine,
    peers: Object.fromEntries(built) as object,
    rows: rows.map((row) => ({ ...row, reached: isReached(row) })),
    chart: chartPath ?? null,
  };
}

export function formatReport(report: BenchReport): string[] {
  const subjects = [...new Set(report.rows.map(({ subject }) => subject))];
  const tables = subjects.flatMap((subject) =>
    ['', subject].concat(formatRows(report.rows.filter((row) => row.subject === subject))),
  );
  return [...formatHead(report), ...tables, '', ...formatVerdicts(report.rows)];
}

function formatHead({ machine, peers, chartPath }: BenchReport): string[] {
  const lines = Object.entries(peers).map(
    ([name, peer]: [string, CPeer]) => `${name.padEnd(LABEL_WIDTH)}${describePeer(peer)}`,
  );
  const compilers = Object.values(peers).map((peer: CPeer) => (peer.built ? peer.compiler : undefined));
  const compiler = compilers.find((name) => name !== undefined) ?? NOT_MEASURED;
  return [
    `${'machine'.padEnd(LABEL_WIDTH)}${formatMachine(machine)}`,
    `${'compiler'.padEnd(LABEL_WIDTH)}${compiler}`,
    ...lines,
    ...(chartPath === undefined ? [] : [`${'chart'.padEnd(LABEL_WIDTH)}${chartPath}`]),
  ];
}

function describePeer(peer: CPeer): string {
  return peer.built ? commandAndFlags(peer) : `${NOT_MEASURED}: ${peer.reason}`;
}

/** Without the paths, which are in a temporary folder. */
function commandAndFlags({ command }: Extract<CPeer, { readonly built: true }>): string {
  return command.split(' -o ')[0] ?? command;
}

function formatRows(rows: readonly JudgedRow[]): string[] {
  return formatTable(
    [
      { heading: '  ours', align: 'left' },
      { heading: 'time', align: 'right' },
      { heading: 'compared with', align: 'left' },
      { heading: 'time', align: 'right' },
      { heading: 'ratio', align: 'right' },
      { heading: 'to reach', align: 'right' },
      { heading: '', align: 'left' },
    ],
    rows.map((row) => [
      `  ${row.ours}`,
      formatTime(row.oursNs),
      row.peer,
      formatTime(row.peerNs),
      row.ratio === null ? NOT_MEASURED : formatRatio(row.ratio),
      formatTarget(row),
      formatVerdict(row),
    ]),
    COLUMNS_MAX,
  );
}

function formatTime(timeNs: number | null): string {
  return timeNs === null ? NOT_MEASURED : formatDuration(timeNs);
}

function formatTarget({ target, differenceNsMax, oursNsMax, peerBetweenNs }: JudgedRow): string | undefined {
  if (peerBetweenNs !== undefined) return peerBetweenNs.map(formatDuration).join(' to ');
  if (oursNsMax !== undefined) return formatDuration(oursNsMax);
  if (differenceNsMax !== undefined) return `+${formatDuration(differenceNsMax)}`;
  return target === undefined ? undefined : formatRatio(target);
}

function hasTarget({ target, differenceNsMax, oursNsMax, peerBetweenNs }: JudgedRow): boolean {
  return [target, differenceNsMax, oursNsMax, peerBetweenNs].some((each) => each !== undefined);
}

function formatVerdict(row: JudgedRow): string | undefined {
  if (!hasTarget(row)) return undefined;
  const reached = isReached(row);
  const atMost = ratioAtMost(row);
  if (atMost !== undefined) return `out of reach: at most ${formatRatio(atMost)}`;
  if (reached === null) return NOT_MEASURED;
  return reached ? 'reached' : 'missed';
}

function formatVerdicts(rows: readonly JudgedRow[]): string[] {
  const verdicts = rows.map(isReached).filter((verdict) => verdict !== null);
  const reachedCount = verdicts.filter(Boolean).length;
  if (verdicts.length === 0) return ['No row with a number to reach was measured.'];
  return [`${reachedCount} of ${verdicts.length} numbers reached.`];
}
