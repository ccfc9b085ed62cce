import { setImmediate as turn } from 'node:timers/promises';
import { arch, cpus, release } from 'node:os';

import { assert } from '../../base/assert.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { MappingEvent } from '../../trace/mapping-event.ts';
import type { Conversion } from '../kernel/exporter-mapping.ts';
import { KernelFunctions } from '../kernel/kernel-functions.ts';
import { mappingWaysOf } from '../kernel/map-window.ts';
import type { MappingWay } from '../kernel/map-window.ts';
import { openWorkloadHeap } from '../workload-heap.ts';
import { costsOfMappings } from './costs-of-mappings.ts';
import type { MappingsByWay } from './costs-of-mappings.ts';
import type { MappingCosts } from './mapping-costs.ts';

interface MeasureCostsOptions {
  /** Rounds that count, behind those that warm up. Default: 40. */
  readonly roundCount?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRound?: (done: number, total: number) => void;
}

/**
 * In pages: what a packet, a frame of metadata and pictures have. Some are whole chunks, and some
 * end in single pages, which are mapped in another way.
 */
const PAGE_COUNTS = [16, 150, 256, 1013, 2025, 3840] as const;
/** Small mappings come in rows: the first finds caches cold, the others do not. */
const ROW_LENGTH = 8;
const ROW_PAGES_MAX = 64;
const PAGE_BYTES = 4096;
/** Small mappings, until code is compiled. */
const WARM_UP_ROUNDS = 40;
const WARM_UP_PAGES_MAX = 256;
/** The last of those, in which memory is committed: all mappings. */
const COMMITTING_ROUNDS = 2;
const ROUNDS_DEFAULT = 40;
const SITE = { path: ['measure_costs'] };

/**
 * Measures what mappings cost on this machine, as replays make them: buffers of the embedded heap
 * of several sizes, again and again.
 *
 * @throws {DmaBufError} `ENOMEM` where there is no room for the buffers; the signal's reason
 */
export async function measureCosts({
  roundCount = ROUNDS_DEFAULT,
  signal,
  onRound,
}: MeasureCostsOptions = {}): Promise<MappingCosts> {
  using heap = openWorkloadHeap(undefined, 0);
  const { ways } = mappingWaysOf(heap);
  const choices = choicesOf(ways);
  const buffers = PAGE_COUNTS.map((pageCount) => heap.allocate(pageCount * PAGE_BYTES, { name: 'costs' }));
  const small = buffers.filter(({ length }) => length <= WARM_UP_PAGES_MAX * PAGE_BYTES);
  const seen: Record<keyof MappingsByWay, MappingEvent[]> = { page: [], entry: [], run: [] };
  try {
    for (let round = -WARM_UP_ROUNDS; round < roundCount; round += 1) {
      await turn();
      throwIfAborted(signal);
      onRound?.(round + WARM_UP_ROUNDS, roundCount + WARM_UP_ROUNDS);
      for (const choice of choices) {
        const events = await mapOnce(round < -COMMITTING_ROUNDS ? small : buffers, choice);
        if (round >= 0) seen[choice.name].push(...events);
      }
    }
  } finally {
    for (const buffer of buffers) buffer.close();
  }
  const costs = costsOfMappings(seen, `mappings in user space on ${machineName()}`);
  assert(costs !== undefined, 'Replayed mappings have parts');
  return costs;
}

interface MeasuredChoice {
  readonly name: keyof MappingsByWay;
  readonly conversion: Conversion;
  readonly mapping: MappingWay;
}

function choicesOf(ways: readonly [MappingWay, ...MappingWay[]]): MeasuredChoice[] {
  const [mapping] = ways;
  const choices: MeasuredChoice[] = [
    { name: 'page', conversion: 'page', mapping },
    { name: 'entry', conversion: 'entry', mapping },
  ];
  return ways.includes('run') ? [...choices, { name: 'run', conversion: 'page', mapping: 'run' }] : choices;
}

async function mapOnce(buffers: readonly DmaBuf[], { conversion, mapping }: MeasuredChoice): Promise<MappingEvent[]> {
  const events: MappingEvent[] = [];
  const kernel = new KernelFunctions({
    conversion,
    mapping,
    onRecord: (record) => void (record.kind === 'mapping' && events.push(record)),
  });
  for (const buffer of buffers) {
    const count = buffer.length <= ROW_PAGES_MAX * PAGE_BYTES ? ROW_LENGTH : 1;
    for (let index = 0; index < count; index += 1) {
      await kernel.vmapUnlocked(buffer, SITE);
      await kernel.vunmapUnlocked(buffer, SITE);
    }
  }
  return events;
}

function machineName(): string {
  return `${cpus()[0]?.model.trim() ?? arch()}, Linux ${release()}`;
}
