import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { KiB, MiB } from '../../base/sizes.ts';
import { nameConsumer } from '../../trace/analysis/consumer.ts';
import { functionName, roleOf } from '../../trace/map-functions.ts';
import type { MappingEvent } from '../../trace/mapping-event.ts';
import { runWorkload } from '../run-workload.ts';
import type { ConsumerLoad } from '../workload.ts';

type Consumer = ConsumerLoad['consumer'];
type LoadOf<Name extends Consumer> = Extract<ConsumerLoad, { readonly consumer: Name }>;

/** How a consumer is told by the functions that lead to its mappings. */
interface Telling<Name extends Consumer> {
  /** Small, and enough that every call site of its mappings is passed. */
  readonly sample: Omit<LoadOf<Name>, 'consumer'>;
  /** How many functions, from the one that maps outward, are this consumer's alone. */
  readonly depth: number;
  /** Whether drivers share its functions, of which kernels have several: any of them is it. */
  readonly isHelper?: true;
}

const PICTURE = { width: 32, height: 32, bytesPerPixel: 4, bufferCount: 1 };
const BUFFER = { lengthBytes: 4 * KiB, bufferCount: 1 };

const TELLINGS: { readonly [Name in Consumer]: Telling<Name> } = {
  'apusys-map': { sample: BUFFER, depth: 2 },
  'apusys-pool': { sample: { commandCount: 1, commandBytesMin: 4 * KiB, commandBytesMax: 4 * KiB }, depth: 3 },
  'drm-gem-shmem': { sample: { ...PICTURE, driver: 'any' }, depth: 1, isHelper: true },
  'intel-ipu-psys': { sample: { ...BUFFER, buffersPerFrame: 1 }, depth: 1 },
  'mtk-aov': { sample: {}, depth: 1 },
  'mtk-camera': {
    sample: {
      nodes: [{ name: 'any', kind: 'meta-statistics', lengthBytes: 4 * KiB }],
      bufferCount: 1,
      slots: 'kept',
    },
    depth: 1,
  },
  'mtk-vcodec': { sample: { planeBytes: [4 * KiB], bufferCount: 1, slots: 'kept' }, depth: 3 },
  'nvidia-pva': { sample: { ...BUFFER, fenceCount: 1 }, depth: 1 },
  'qualcomm-camera': { sample: BUFFER, depth: 1 },
  'samsung-capture-meta': { sample: { ...BUFFER, wordCount: 1 }, depth: 1 },
  'vb2-vmalloc': { sample: { ...BUFFER, driver: 'any', slots: 'kept' }, depth: 1, isHelper: true },
  'vmwgfx-blit': { sample: PICTURE, depth: 1 },
};

/** A call site by which a consumer is told. */
interface KnownCaller {
  readonly consumer: Consumer;
  /** The function that maps first; the others may have functions in between. */
  readonly functions: readonly string[];
  /** Of a helper that drivers share. */
  readonly subsystem: string | undefined;
}

/** A consumer that was found, and how often it maps in a step. */
export interface FoundConsumer {
  readonly consumer: Consumer;
  readonly callsPerStep: number;
}

/**
 * The call sites of the consumers that have a load. They are read off a replay of a step of each,
 * so that they are written down in the consumers alone.
 */
export class KnownCallers {
  readonly #callers: readonly KnownCaller[];

  private constructor(callers: readonly KnownCaller[]) {
    this.#callers = callers;
  }

  /** @throws {DmaBufError} `ENOMEM` where there is no room for the replay */
  static async replay(): Promise<KnownCallers> {
    const callers: KnownCaller[] = [];
    using heap = openEmbeddedHeap({ capacity: 64 * MiB });
    for (const [consumer, { sample, depth, isHelper }] of Object.entries(TELLINGS) as [Consumer, Telling<Consumer>][]) {
      const load = { consumer, ...sample, stepsPerSecond: 1 } as ConsumerLoad & { readonly stepsPerSecond: number };
      await runWorkload(
        { name: consumer, title: '', basis: '', loads: [load] },
        {
          heap,
          caller: 'as-is',
          conversion: 'page',
          seed: 0,
          extent: { stepCount: 1 },
          onRecord: (record) => {
            if (record.kind !== 'mapping') return;
            const { subsystem } = nameConsumer(record);
            const functions = callersOf(record).slice(0, depth);
            callers.push({ consumer, functions, subsystem: isHelper === true ? subsystem : undefined });
          },
        },
      );
    }
    return new KnownCallers(callers);
  }

  /** Undefined where no consumer mirrors who made the mapping. */
  find(event: Pick<MappingEvent, 'path' | 'modules' | 'driver'>): FoundConsumer | undefined {
    const callers = callersOf(event);
    const found = this.#callers.find(
      ({ functions, subsystem }) =>
        (callers[0] === functions[0] && isWithin(functions, callers)) ||
        (subsystem !== undefined && subsystem === nameConsumer(event).subsystem),
    );
    if (found === undefined) return undefined;
    const { consumer } = found;
    return { consumer, callsPerStep: this.#callers.filter((each) => each.consumer === consumer).length };
  }
}

/** The functions that lead to a mapping, without those of dma-buf itself. */
function callersOf({ path }: Pick<MappingEvent, 'path'>): string[] {
  return path.map(functionName).filter((name, index) => index > 0 && roleOf(name) === 'none');
}

/** Whether all are there, in their order: compilers leave some out, or put others in between. */
function isWithin(functions: readonly string[], callers: readonly string[]): boolean {
  let from = 0;
  return functions.every((name) => {
    const found = callers.indexOf(name, from);
    from = found + 1;
    return found !== -1;
  });
}
