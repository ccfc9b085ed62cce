import { formatSize, MiB } from '../../base/sizes.ts';
import type { CameraNode } from '../loads/camera-load.ts';
import type { SlotPolicy } from '../loads/load.ts';
import type { PacedLoad } from '../workload.ts';
import { templateOf } from './load-template.ts';
import type { LoadTemplate } from './load-template.ts';
import type { ObservedCaller, SizeUse } from './observed-caller.ts';
import { paceOf } from './observed-pace.ts';
import { allSizes, regularSizes, usableSizes } from './observed-sizes.ts';
import { pictureSizeOf } from './picture-size.ts';

type Consumer = PacedLoad['consumer'];
type LoadOf<Name extends Consumer> = Extract<PacedLoad, { readonly consumer: Name }>;

/** A caller of a trace that a consumer mirrors. */
interface MirroredCaller {
  readonly observed: ObservedCaller;
  /** As the trace names it. */
  readonly driver: string | undefined;
  /** How often the consumer maps in a step. */
  readonly callsPerStep: number;
  /** Told what the trace does not show, and what stands in for it. */
  readonly note: (text: string) => void;
}

type MakeLoads<Name extends Consumer> = (caller: MirroredCaller, template: LoadTemplate<Name>) => LoadOf<Name>[];

/** What every load of buffers has. */
interface Buffers {
  readonly bufferCount: number;
  readonly stepsPerSecond: number;
}

/** What a trace shows of buffers of one size. */
interface Observed {
  readonly lengthBytes: number;
  readonly buffers: Buffers;
  readonly slots: SlotPolicy;
}

/** Metadata of cameras is smaller, and pictures that are worth a camera are larger. */
const PICTURE_BYTES_MIN: number = 4 * MiB;
/** Of a workload's field. */
const PICTURE_COUNT_MAX = 64;
const UNKNOWN_DRIVER = 'unknown';
/** A driver's is shorter: 31 characters (`struct v4l2_capability`, DRM's likewise). */
const NAME_LENGTH_MAX = 64;

const MAKERS: { readonly [Name in Consumer]: MakeLoads<Name> } = {
  'apusys-map': (caller, template) =>
    loadsBySize(caller, template, ({ lengthBytes, buffers }) => ({ ...template.load, ...buffers, lengthBytes })),
  'apusys-pool': (caller, { recipe, load }) => {
    caller.note(`commands are not in a trace: ${load.commandCount} in a session, as in ${recipe}`);
    const use = { ...allSizes(caller.observed), bufferCount: 1 };
    const { buffers } = observe(caller, use, { recipe, load: { ...load, bufferCount: 1 } });
    return [{ ...load, stepsPerSecond: buffers.stepsPerSecond }];
  },
  'drm-gem-shmem': (caller, template) => {
    const { damage: _, ...load } = template.load;
    caller.note('what was damaged is not in a trace: all of each picture');
    const driver = driverOf(caller);
    return loadsBySize(caller, template, (seen) => ({ ...load, ...pictures(seen), driver }));
  },
  'intel-ipu-psys': (caller, template) =>
    loadsBySize(caller, template, ({ lengthBytes, buffers }) => ({
      ...template.load,
      ...buffers,
      lengthBytes,
      buffersPerFrame: 1,
    })),
  'mtk-aov': ({ note }, { recipe, load }) => {
    note(`copies of events are not in a trace: ${load.stepsPerSecond} a second, as in ${recipe}`);
    return [load];
  },
  'mtk-camera': (caller, template) => {
    const { deadlineMs: _, ...load } = template.load;
    const request = observeRequest(caller, template);
    if (request === undefined) return [load];
    caller.note(`what a buffer holds is told by its size alone: a picture from ${formatSize(PICTURE_BYTES_MIN)} on`);
    const { buffers, slots, lengths } = request;
    return [{ ...load, ...buffers, slots, nodes: lengths.map(nodeOf) }];
  },
  'mtk-vcodec': (caller, template) => {
    const request = observeRequest(caller, template);
    if (request === undefined) return [template.load];
    const { buffers, slots, lengths } = request;
    return [{ ...template.load, ...buffers, slots, planeBytes: lengths }];
  },
  'nvidia-pva': (caller, template) =>
    loadsBySize(caller, template, ({ lengthBytes, buffers }) => ({
      ...template.load,
      ...buffers,
      lengthBytes,
      fenceCount: 1,
    })),
  'qualcomm-camera': (caller, template) =>
    loadsBySize(caller, template, ({ lengthBytes, buffers }) => ({ ...template.load, ...buffers, lengthBytes })),
  'samsung-capture-meta': (caller, template) =>
    loadsBySize(caller, template, ({ lengthBytes, buffers }) => ({
      ...template.load,
      ...buffers,
      lengthBytes,
      wordCount: Math.min(template.load.wordCount, Math.floor(lengthBytes / Uint32Array.BYTES_PER_ELEMENT)),
    })),
  'vb2-vmalloc': (caller, template) => {
    const driver = driverOf(caller);
    return loadsBySize(caller, template, ({ lengthBytes, buffers, slots }) => ({
      ...template.load,
      ...buffers,
      lengthBytes,
      slots,
      driver,
    }));
  },
  'vmwgfx-blit': (caller, template) =>
    loadsBySize(caller, template, (seen) => ({ ...template.load, ...pictures(seen, TARGET_COUNT) })),
};

/** Whose buffers stay mapped, so that how fast mappings came is no rate. */
const KEEPERS: ReadonlySet<Consumer> = new Set(['mtk-camera', 'mtk-vcodec', 'qualcomm-camera', 'vb2-vmalloc']);
/** Of a blit, which has as many sources as a load has buffers. */
const TARGET_COUNT = 1;

/**
 * The loads with which a consumer does what a trace shows of a caller: its sizes, its rate, and
 * whether its mappings end. What a trace cannot show is as in the first recipe with that consumer.
 */
export function loadsOfCaller(consumer: Consumer, caller: MirroredCaller): PacedLoad[] {
  const make = MAKERS[consumer] as MakeLoads<Consumer>;
  return make(caller, templateOf(consumer));
}

/** A load for each size. */
function loadsBySize<Name extends Consumer, Load>(
  caller: MirroredCaller,
  template: { readonly recipe: string; readonly load: LoadOf<Name> & Buffers },
  make: (observed: Observed) => Load,
): (Load | LoadOf<Name>)[] {
  const sizes = usableSizes(caller.observed, caller.note);
  if (sizes.length > 0) return sizes.map((use) => make(observe(caller, use, template)));
  caller.note(`sizes are not in the trace: those of ${template.recipe}`);
  return [template.load];
}

/** What one request has, of several sizes. */
function observeRequest(
  caller: MirroredCaller,
  template: { readonly recipe: string; readonly load: Buffers & { readonly consumer: Consumer } },
): (Omit<Observed, 'lengthBytes'> & { readonly lengths: readonly number[] }) | undefined {
  const sizes = regularSizes(caller.observed, caller.note);
  const [first] = sizes;
  if (first === undefined) {
    caller.note(`sizes are not in the trace: those of ${template.recipe}`);
    return undefined;
  }
  const most = sizes.reduce((a, b) => (b.use.bufferCount / b.perRequest > a.use.bufferCount / a.perRequest ? b : a));
  const { buffers, slots } = observe({ ...caller, callsPerStep: most.perRequest }, most.use, template);
  const lengths = sizes.flatMap(({ use, perRequest }) => Array.from({ length: perRequest }, () => use.sizeBytes));
  return { buffers, slots, lengths };
}

function observe(
  { callsPerStep, note }: MirroredCaller,
  use: SizeUse,
  { recipe, load }: { readonly recipe: string; readonly load: Buffers & { readonly consumer: Consumer } },
): Observed {
  const { slots, ...buffers } = paceOf({
    use,
    callsPerStep,
    keepsMappings: KEEPERS.has(load.consumer),
    template: { recipe, stepsPerSecond: load.stepsPerSecond, bufferCount: load.bufferCount },
    note,
  });
  return { lengthBytes: use.sizeBytes, buffers, slots };
}

function pictures(
  { lengthBytes, buffers: { stepsPerSecond, bufferCount } }: Observed,
  withoutCount = 0,
): Buffers & ReturnType<typeof pictureSizeOf> {
  const count = Math.min(PICTURE_COUNT_MAX, Math.max(1, bufferCount - withoutCount));
  return { stepsPerSecond, bufferCount: count, ...pictureSizeOf(lengthBytes) };
}

function driverOf({ driver, note }: MirroredCaller): string {
  if (driver === undefined) note(`the trace does not name the driver: "${UNKNOWN_DRIVER}"`);
  return driver?.slice(0, NAME_LENGTH_MAX) ?? UNKNOWN_DRIVER;
}

function nodeOf(lengthBytes: number, index: number): CameraNode {
  const kind = lengthBytes >= PICTURE_BYTES_MIN ? 'image' : 'meta-statistics';
  return { name: `node-${index}`, kind, lengthBytes };
}
