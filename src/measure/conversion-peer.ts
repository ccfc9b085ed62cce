/** The same conversion in C: bench/peer/sg-to-pages.c, run on the same table. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PAGE_SIZE_DEFAULT } from '../base/limits.ts';
import type { SgTable } from '../sg/sg-table.ts';
import type { CPeer } from './c-peer.ts';

/**
 * The cost of converting one table in C. Medians; null where no program was built, or the pages are
 * not of 4 KiB.
 */
export interface ConversionPeerTimes {
  /** The kernel's page iterator, 8-byte page pointers. */
  readonly cByPageNs: number | null;
  /** The kernel patch's loop over entries, 8-byte page pointers. */
  readonly cByEntryNs: number | null;
  /** The same loop, 4-byte pfns. */
  readonly cByEntry4Ns: number | null;
  /** `memset()` of an array of 4 bytes per page: the cost of the stores alone. */
  readonly cFill4Ns: number | null;
  /** The same with 8 bytes per page. */
  readonly cFill8Ns: number | null;
}

/** The program's results for one walk. */
interface PeerWalk {
  readonly pages: number;
  readonly medianNs: number;
  readonly minNs: number;
  readonly checksum: number;
}

/** The program's output. */
interface PeerReport {
  readonly entries: number;
  readonly page_iterator: PeerWalk;
  readonly entry_loop_8: PeerWalk;
  readonly entry_loop_4: PeerWalk;
  readonly fill_4: PeerWalk;
  readonly fill_8: PeerWalk;
}

const ROUNDS_DEFAULT = 51;

const NO_TIMES: ConversionPeerTimes = {
  cByPageNs: null,
  cByEntryNs: null,
  cByEntry4Ns: null,
  cFill4Ns: null,
  cFill8Ns: null,
};

/**
 * The program's input: four words per entry, low word first: the pfn's two, the offset, the length.
 */
function tableFile(table: SgTable): Uint32Array {
  const { pfns, offsets, lengths } = table.columns;
  const words = new Uint32Array(pfns.length * 4);
  for (let index = 0; index < pfns.length; index++) {
    const pfn = pfns[index] as number;
    words[index * 4] = pfn;
    words[index * 4 + 1] = Math.floor(pfn / 2 ** 32);
    words[index * 4 + 2] = offsets[index] as number;
    words[index * 4 + 3] = lengths[index] as number;
  }
  return words;
}

/**
 * Runs the program at `path` on `table`.
 *
 * @throws {Error} when it fails
 */
export function runSgToPages(
  path: string,
  table: SgTable,
  options: { rounds: number; dumpPrefix?: string },
): PeerReport {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-table-'));
  try {
    const tablePath = join(folder, 'table');
    writeFileSync(tablePath, tableFile(table));
    const dump = options.dumpPrefix === undefined ? [] : [options.dumpPrefix];
    const run = spawnSync(path, [tablePath, String(options.rounds), ...dump], { encoding: 'utf8' });
    if (run.status !== 0) {
      throw new Error(`Cannot run ${path} as it ended with ${run.status ?? run.signal}: ${run.stderr}`, {
        cause: run.error,
      });
    }
    return JSON.parse(run.stdout) as PeerReport;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the conversion of `table` in C; undefined where no program was built, or the pages are not
 * of 4 KiB, which the program requires.
 */
export function runConversionPeer(
  peer: CPeer,
  table: SgTable,
  options: { rounds?: number } = {},
): PeerReport | undefined {
  if (!peer.built || table.pageSize !== PAGE_SIZE_DEFAULT) return undefined;
  return runSgToPages(peer.path, table, { rounds: options.rounds ?? ROUNDS_DEFAULT });
}

export function toPeerTimes(report: PeerReport | undefined): ConversionPeerTimes {
  if (report === undefined) return NO_TIMES;
  return {
    cByPageNs: report.page_iterator.medianNs,
    cByEntryNs: report.entry_loop_8.medianNs,
    cByEntry4Ns: report.entry_loop_4.medianNs,
    cFill4Ns: report.fill_4.medianNs,
    cFill8Ns: report.fill_8.medianNs,
  };
}

/** Measures the conversion of `table` in C. */
export function measureConversionPeer(
  peer: CPeer,
  table: SgTable,
  options: { rounds?: number } = {},
): ConversionPeerTimes {
  return toPeerTimes(runConversionPeer(peer, table, options));
}

/**
 * Whether each walk in C gave `pages`, for a table whose entries are whole pages: the same number
 * and checksum.
 */
export function walksOfPeerGive(report: PeerReport, pages: Uint32Array): boolean {
  const expected = checksumOf(pages);
  return [report.page_iterator, report.entry_loop_8, report.entry_loop_4].every(
    (walk) => walk.pages === pages.length && walk.checksum === expected,
  );
}

const FNV_OFFSET_BASIS = 2_166_136_261;
const FNV_PRIME = 16_777_619;

/**
 * The program's checksum: 32-bit FNV-1a over words, for each pfn the low one, then the high one,
 * which is 0 here.
 */
function checksumOf(pages: Uint32Array): number {
  const hash = pages.reduce((sum, pfn) => Math.imul(Math.imul(sum ^ pfn, FNV_PRIME), FNV_PRIME), FNV_OFFSET_BASIS | 0);
  return hash >>> 0;
}
