/**
 * The time that importing the package adds to Node's own start: a process per measurement, from its
 * start to its end.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { assert } from '../src/base/assert.ts';
import { median } from '../src/base/median.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';
import { nsSince, takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';

const DIFFERENCE_NS_MAX = 40e6;
const TURNS_DEFAULT: Turns = { turns: 21, roundsPerTurn: 1, warmupRounds: 0 };

// Compiled, this file is dist/bench/start-up.js.
const PACKAGE_FOLDER = fileURLToPath(new URL('../../', import.meta.url));

/** The specifiers in programs: `dmabuf`, `dmabuf/share`, … */
function specifiers(): string[] {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { exports } = JSON.parse(text) as { exports: Record<string, object | string> };
  const modules = Object.entries(exports).filter(([, entry]) => typeof entry !== 'string');
  return modules.map(([name]) => `dmabuf${name.slice(1)}`);
}

/** The package resolves itself by its name. */
function startOf(program: string): () => number {
  return () => {
    const start = process.hrtime.bigint();
    const words = ['--input-type=module', '--eval', program];
    const { status } = spawnSync(process.execPath, words, { cwd: PACKAGE_FOLDER, stdio: 'ignore' });
    assert(status === 0, () => `Node ended with ${status}: ${program}`);
    return nsSince(start);
  };
}

export async function* startUpRows({ turns = TURNS_DEFAULT }: { turns?: Turns } = {}): AsyncGenerator<
  JudgedRow,
  void,
  undefined
> {
  for (const specifier of specifiers()) {
    const [oursNs, aloneNs] = await takeTurns([startOf(`import '${specifier}';`), startOf('')], turns);
    const row = toBenchRow({
      subject: `start-up, importing ${specifier}`,
      ours: `node with ${specifier}`,
      oursNs: median(oursNs),
      peer: 'node alone',
      peerNs: median(aloneNs),
    });
    yield { ...row, differenceNsMax: DIFFERENCE_NS_MAX };
  }
}
