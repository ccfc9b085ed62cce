/** What the main job may have found: of the embedded heap, of a kernel heap, of a udmabuf. */

import type { MainJobReport } from '../../../src/measure/main-job.ts';
import { SgTable } from '../../../src/sg/sg-table.ts';
import { toByteLength } from '../../../src/base/quantities.ts';

const table = SgTable.fromChunks({
  pfns: [512, 0, 1024, 1056],
  orders: [8, 8, 4, 0],
  pageSize: toByteLength(4096),
});

export const REPORT = {
  heap: {
    name: 'system',
    backend: 'embedded',
    chosenBecause: 'kernel: there is no /dev/dma_heap; udmabuf: there is no /dev/udmabuf',
    orders: [8, 4, 0],
    arenaPageCount: 1_048_576,
  },
  mix: 'aged',
  heldBytes: undefined,
  length: 529 * 4096,
  pageSize: 4096,
  layout: { known: true, table, source: 'the arena of the embedded heap' },
  instructionNs: undefined,
  conversion: {
    measured: true,
    times: {
      byPageNs: 2000,
      byEntryNs: 100,
      byEntry8Ns: 200,
      cByPageNs: 1500,
      cByEntryNs: 250,
      cByEntry4Ns: 240,
      cFill4Ns: 50,
      cFill8Ns: 60,
    },
    peer: { built: true, description: 'cc 12.2.0, -O2' },
    walksAgree: true,
  },
  vmap: {
    mapped: true,
    firstTouchNs: 3_000_000,
    secondTouchNs: 60_000,
    readSpeed: { bytesPerSecond: 5 * 2 ** 30, ordinaryBytesPerSecond: 10 * 2 ** 30, slow: false },
    byRun: { callCount: 4, mappedNs: 20_000, mappedAndTouchedNs: 100_000, roundCount: 11 },
    byPage: {
      measured: true,
      partCount: 1,
      callCount: 529,
      mappedNs: 1_500_000,
      mappedAndTouchedNs: 1_600_000,
      roundCount: 11,
    },
    proof: {
      secondWay: 'arena',
      throughWindow: { written: 7, found: 7 },
      throughSecondWay: { written: 7, found: 7 },
    },
    tableProof: undefined,
  },
  hugePages: {
    use: { pageBytes: 2_097_152, reason: '/sys/x is "advise"' },
    compared: {
      length: 4_194_304,
      huge: { commitNs: 400_000, viewNs: 10_000 },
      ordinary: { commitNs: 3_200_000, viewNs: 250_000 },
    },
  },
  verified: true,
} as const satisfies MainJobReport;

const { vmap: MAPPED } = REPORT;

/** A buffer of a kernel heap, on a machine whose clock counts instructions. */
export const KERNEL: MainJobReport = {
  ...REPORT,
  heap: {
    name: 'system',
    backend: 'kernel',
    chosenBecause: 'it was asked for',
    orders: undefined,
    arenaPageCount: undefined,
  },
  mix: undefined,
  hugePages: undefined,
  heldBytes: 3 * 2 ** 30,
  layout: { known: true, table, source: 'the trace of its allocation (kmem:mm_page_alloc)' },
  instructionNs: 2,
  vmap: {
    ...MAPPED,
    byRun: { callCount: 1, mappedNs: 20_000, mappedAndTouchedNs: 100_000, roundCount: 11 },
    byPage: { ...MAPPED.byPage, partCount: 3 },
    proof: { ...MAPPED.proof, secondWay: 'process' },
    tableProof: { seen: true, stamps: { written: 7, found: 7 } },
  },
};

/** A udmabuf whose layout is unknown. */
export const UDMABUF: MainJobReport = {
  ...KERNEL,
  heap: { ...KERNEL.heap, name: 'udmabuf', backend: 'udmabuf' },
  heldBytes: undefined,
  layout: { known: false, reason: 'where the pages of its memfd lie is told only to root', remedy: 'run this as root' },
  instructionNs: undefined,
  conversion: {
    measured: false,
    reason: 'where the pages of its memfd lie is told only to root',
    remedy: 'run this as root',
  },
  vmap: {
    ...MAPPED,
    byPage: { measured: false, expectedNs: 340e9 },
    proof: { ...MAPPED.proof, secondWay: 'process' },
    tableProof: undefined,
  },
};
