/** The CPU time of reading text of function_graph, beside scripts in Perl and mawk. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { assert } from '../src/base/assert.ts';
import { median } from '../src/base/median.ts';
import { writeGraphText } from './graph-text.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';
import { takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';

/** Start-up and warm-up take a quarter of a second: of less text they would be seen. */
const BYTES = 220e6;
const TURNS_DEFAULT: Turns = { turns: 3, roundsPerTurn: 1, warmupRounds: 0 };

// Compiled, this file is dist/bench/read-trace.js.
const FOLDER = fileURLToPath(new URL('../../', import.meta.url));
const CLI = join(FOLDER, 'dist/bundle/cli.js');

interface Peer {
  readonly name: string;
  readonly command: readonly string[];
  /** How many times as long it should take. */
  readonly target: number;
}

const PEERS: readonly Peer[] = [
  { name: 'perl', command: ['perl', join(FOLDER, 'bench/peer/collapse-graph.pl')], target: 10 },
  { name: 'mawk', command: ['mawk', '-f', join(FOLDER, 'bench/peer/collapse-graph.awk')], target: 5 },
];

/** `times` of the shell: of itself, then of the processes that it waited for (POSIX). */
const TIMES = /(?<user>\d+m[\d.]+)s (?<system>\d+m[\d.]+)s\n*$/u;

export interface ReadTraceBenchOptions {
  readonly bytes?: number;
  readonly turns?: Turns;
}

export async function* readTraceRows({
  bytes = BYTES,
  turns = TURNS_DEFAULT,
}: ReadTraceBenchOptions = {}): AsyncGenerator<JudgedRow, void, undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-read-trace-'));
  try {
    const file = join(folder, 'graph.txt');
    const { byteLength } = writeGraphText(file, bytes);
    const megabytes = byteLength / 1e6;
    const reading = (command: readonly string[]) => () => cpuNsOf(command, file) / megabytes;
    const ours = reading([process.execPath, CLI, 'callers', '-', '--json']);
    for (const { name, command, target } of PEERS) {
      const isThere = spawnSync(command[0] ?? '', ['--version']).error === undefined;
      const [oursNs, peerNs] = isThere
        ? await takeTurns([ours, reading(command)], turns)
        : await takeTurns([ours], turns);
      yield toBenchRow({
        subject: `1 MB of function_graph, of ${Math.round(megabytes)} MB`,
        ours: 'CPU time of dmabuf callers',
        oursNs: median(oursNs ?? []),
        peer: isThere ? `stacks collapsed by ${name}` : `${name} is missing`,
        peerNs: peerNs === undefined ? null : median(peerNs),
        target,
      });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function cpuNsOf(command: readonly string[], file: string): number {
  const input = openSync(file, 'r');
  try {
    const run = spawnSync('/bin/sh', ['-c', '"$@" > /dev/null && times', 'sh', ...command], {
      stdio: [input, 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    const { user = '', system = '' } = TIMES.exec(run.stdout)?.groups ?? {};
    assert(run.status === 0 && user !== '', () => `${command.join(' ')} failed: ${run.stderr}`);
    return (secondsOf(user) + secondsOf(system)) * 1e9;
  } finally {
    closeSync(input);
  }
}

/** `0m1.250` */
function secondsOf(text: string): number {
  const [minutes = 0, seconds = 0] = text.split('m').map(Number);
  return minutes * 60 + seconds;
}
