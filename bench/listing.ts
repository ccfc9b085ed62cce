/**
 * The cost of `dmabuf ls` on machines of growing size: in memory, and read from files like those of
 * `/proc`.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { assert } from '../src/base/assert.ts';
import { formatSize } from '../src/base/sizes.ts';
import { formatCount } from '../src/base/number-format.ts';
import { listHoldingProcesses } from '../src/machine/buffers/holding-processes.ts';
import { joinBuffers } from '../src/machine/buffers/join-buffers.ts';
import { median } from '../src/base/median.ts';
import type { JudgedRow } from './judged-row.ts';
import { machineHoldings, writeMachine } from './large-machine.ts';
import type { MachineSize } from './large-machine.ts';
import { toBenchRow } from './row.ts';
import { nsSince, takeTurns } from './take-turns.ts';

export interface ListingBenchOptions {
  /** Doubled, and doubled again: the sizes of the curve. */
  readonly smallest?: MachineSize;
  readonly doublings?: number;
  /** The machine that is read from files. */
  readonly largest?: MachineSize;
}

/** About a sixteenth of {@link LARGEST}. */
const SMALLEST: MachineSize = { processCount: 312, descriptorCount: 12_480, bufferCount: 9375 };
const DOUBLINGS = 4;
/** A machine larger than any that was reported. */
const LARGEST: MachineSize = { processCount: 5000, descriptorCount: 200_000, bufferCount: 150_000 };
/** The longest acceptable time of its reading. */
const GOAL_NS = 10e9;
const TURNS = { turns: 1, roundsPerTurn: 5, warmupRounds: 2 };

// Compiled, this file is dist/bench/listing.js.
const READER = fileURLToPath(new URL('./listing-reader.js', import.meta.url));
/** A file system in memory, on every common Linux. */
const SHARED_MEMORY = '/dev/shm';

interface Reading {
  readonly tookNs: number;
  readonly peakBytes: number;
  readonly bufferCount: number;
}

function timesOf(size: MachineSize, factor: number): MachineSize {
  return {
    processCount: size.processCount * factor,
    descriptorCount: size.descriptorCount * factor,
    bufferCount: size.bufferCount * factor,
  };
}

function describeSize({ processCount, descriptorCount, bufferCount }: MachineSize): string {
  return `${formatCount(bufferCount)} buffers, ${formatCount(descriptorCount)} descriptors, ${formatCount(processCount)} processes`;
}

async function measureJoin(size: MachineSize): Promise<number> {
  const { before, processes } = machineHoldings(size);
  const round = (): number => {
    const begin = process.hrtime.bigint();
    const buffers = joinBuffers({ before, processes, ownPid: 0, after: before });
    listHoldingProcesses(buffers, processes);
    return nsSince(begin);
  };
  const [times] = await takeTurns([round], TURNS);
  return median(times);
}

/** In a process of its own, so that the peak of memory is that of the listing. */
function readMachine(root: string): Reading {
  const { status, stdout, stderr } = spawnSync(process.execPath, [READER, root], { encoding: 'utf8' });
  assert(status === 0, `The reader ends well: ${stderr}`);
  return JSON.parse(stdout) as Reading;
}

function readingRow(size: MachineSize): JudgedRow {
  const root = mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'dmabuf-bench-'));
  try {
    writeMachine(root, size);
    const { tookNs, peakBytes, bufferCount } = readMachine(root);
    assert(bufferCount === size.bufferCount, 'Every buffer is listed');
    return toBenchRow({
      subject: `a listing read from files: ${describeSize(size)}`,
      ours: `dmabuf ls (at most ${formatSize(peakBytes)} of memory)`,
      oursNs: tookNs,
      peer: 'the time it may take',
      peerNs: GOAL_NS,
      target: 1,
    });
  } finally {
    rmSync(root, { recursive: true });
  }
}

export async function* listingRows({
  smallest = SMALLEST,
  doublings = DOUBLINGS,
  largest = LARGEST,
}: ListingBenchOptions = {}): AsyncGenerator<JudgedRow, void, undefined> {
  let halfNs = await measureJoin(smallest);
  for (let doubling = 1; doubling <= doublings; doubling += 1) {
    const size = timesOf(smallest, 2 ** doubling);
    const oursNs = await measureJoin(size);
    const subject = `a listing in memory: ${describeSize(size)}`;
    yield toBenchRow({ subject, ours: 'joined, and summed up', oursNs, peer: 'twice the half', peerNs: 2 * halfNs });
    halfNs = oursNs;
  }
  yield readingRow(largest);
}
