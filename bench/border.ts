/**
 * The cost of a call out of JavaScript: through this package's border, and through an addon of a
 * few lines.
 */

import { MAP_SHARED, PROT_READ, PROT_WRITE } from '../src/uapi/mman.ts';
import { kernelCalls } from '../src/linux/calls/kernel-calls.ts';
import type { RawCalls } from '../src/linux/calls/kernel-calls.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { median } from '../src/base/median.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';
import { medianOrNull, nsSince, takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';

export interface BorderBenchOptions {
  /** The addon, built. */
  readonly peer: CPeer;
  readonly turns?: Turns;
}

const TURNS_DEFAULT: Turns = { turns: 21, roundsPerTurn: 5, warmupRounds: 1 };
/** Calls in one round: 0.5 ms, so that reading the clock does not matter. */
const CALLS_PER_ROUND = 2000;
const DIFFERENCE_NS_MAX = 100;

/** The functions of the addon. */
type AddonCalls = Pick<RawCalls, 'getpagesize' | 'lseek' | 'mmap'>;

interface MeasuredCall {
  readonly subject: string;
  readonly call: (calls: AddonCalls) => number;
}

/**
 * Calls that change nothing. Addresses and offsets have realistic sizes, because the arguments are
 * converted.
 */
const MEASURED_CALLS: readonly MeasuredCall[] = [
  { subject: 'a call without arguments, none of the kernel (getpagesize)', call: (calls) => calls.getpagesize() },
  { subject: 'a system call of 3 arguments that is refused (lseek, EBADF)', call: (calls) => calls.lseek(-1, 0, 0) },
  {
    subject: 'a system call of 6 arguments that is refused (mmap, EBADF)',
    call: (calls) => calls.mmap(0x7f12_3456_7000, 2 ** 21, PROT_READ | PROT_WRITE, MAP_SHARED, -1, 2 ** 38),
  },
];

function loadAddon(path: string): AddonCalls {
  const addon: { exports: unknown } = { exports: {} };
  process.dlopen(addon, path);
  return addon.exports as AddonCalls;
}

function roundOf({ call }: MeasuredCall, calls: AddonCalls): () => number {
  return () => {
    const start = process.hrtime.bigint();
    for (let index = 0; index < CALLS_PER_ROUND; index += 1) call(calls);
    return nsSince(start) / CALLS_PER_ROUND;
  };
}

export async function* borderRows(options: BorderBenchOptions): AsyncGenerator<JudgedRow, void, undefined> {
  const { peer, turns = TURNS_DEFAULT } = options;
  const addon = peer.built ? loadAddon(peer.path) : undefined;
  for (const measured of MEASURED_CALLS) {
    const inAddon = addon === undefined ? undefined : roundOf(measured, addon);
    const [oursNs, peerNs] = await takeTurns([roundOf(measured, kernelCalls), inAddon], turns);
    const row = toBenchRow({
      subject: measured.subject,
      ours: 'our border',
      oursNs: median(oursNs),
      peer: 'an addon of a few lines',
      peerNs: medianOrNull(peerNs),
    });
    yield { ...row, differenceNsMax: DIFFERENCE_NS_MAX };
  }
}
