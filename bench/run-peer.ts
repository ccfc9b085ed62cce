/** C programs that map the runs of a buffer. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CleanupStack } from '../src/base/cleanup.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import type { SgTable } from '../src/sg/sg-table.ts';
import { PeerProcess } from './peer-process.ts';

/** The program's input: two words of 8 bytes per run, its offset in the file and its length. */
function runsFile(table: SgTable): BigUint64Array {
  const { count, pfns, offsets, lengths } = table.runs();
  const words = new BigUint64Array(count * 2);
  for (let index = 0; index < count; index += 1) {
    words[index * 2] = BigInt((pfns[index] as number) * table.pageSize + (offsets[index] as number));
    words[index * 2 + 1] = BigInt(lengths[index] as number);
  }
  return words;
}

/** Starts a C program and passes it the runs of a table. Undefined where it could not be built. */
export function openRunPeer(peer: CPeer, table: SgTable, cleanup: CleanupStack): PeerProcess | undefined {
  if (!peer.built) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-runs-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'runs');
  writeFileSync(path, runsFile(table));
  const program = new PeerProcess(peer.path, [path]);
  cleanup.defer(() => program.close());
  return program;
}
