import { roleOf } from '../map-functions.ts';
import type { MappingEvent, TraceModule } from '../mapping-event.ts';

/** Who maps, as far as a call path tells. */
export interface Consumer {
  /** For people: `videobuf2, mtk_cam`, `DRM shmem helper`, `apu_sysmem_alloc`. */
  readonly name: string;
  /** The interface of the kernel that it maps through. Absent: it calls dma_buf_vmap itself. */
  readonly subsystem?: string;
  /** The driver behind it. Absent: the path does not tell. */
  readonly driver?: string;
  /**
   * `out-of-tree`: a module that the log flags so, or one whose call of dma_buf_vmap is none of
   * mainline's. `unknown`: the path does not tell.
   */
  readonly origin: 'in-tree' | 'out-of-tree' | 'unknown';
  /** Of the driver's module. */
  readonly buildId?: string;
}

interface KnownCaller {
  readonly pattern: RegExp;
  readonly subsystem: string;
  readonly driver?: string;
}

/**
 * Every function of mainline that calls dma_buf_vmap or dma_buf_vmap_unlocked, up to 6.18:
 * videobuf2's
 * memory operations, DRM's helpers, and drivers that call it themselves.
 */
const MAINLINE_CALLERS: readonly KnownCaller[] = [
  { pattern: /^vb2_(?:dc|dma_contig)_vaddr$/u, subsystem: 'videobuf2 dma-contig' },
  { pattern: /^vb2_dma_sg_vaddr$/u, subsystem: 'videobuf2 dma-sg' },
  { pattern: /^vb2_vmalloc_map_dmabuf$/u, subsystem: 'videobuf2 vmalloc' },
  { pattern: /^drm_gem_shmem_(?:object_)?vmap(?:_locked)?$/u, subsystem: 'DRM shmem helper' },
  { pattern: /^drm_gem_(?:dma|cma)_prime_import_sg_table_vmap$/u, subsystem: 'DRM DMA helper' },
  { pattern: /^etnaviv_gem_prime_\w+$/u, subsystem: 'DRM', driver: 'etnaviv' },
  { pattern: /^(?:vmw_\w+|map_external)$/u, subsystem: 'DRM', driver: 'vmwgfx' },
  { pattern: /^tegra_bo_\w+$/u, subsystem: 'host1x', driver: 'tegra_drm' },
  { pattern: /^amdxdna_\w+$/u, subsystem: 'accel', driver: 'amdxdna' },
  { pattern: /^igt_dmabuf_\w+$/u, subsystem: 'self tests', driver: 'i915' },
];

const FBDEV = /^drm_(?:fbdev_|fb_helper_|client_buffer_)/u;
/** Modules that drivers are built on. */
const SHARED_MODULE = /^(?:drm(?:_\w+)?|videobuf2_\w+|videodev|v4l2_\w+|mc|host1x|udmabuf|\w*_heap|dma_buf\w*)$/u;
/** Drivers of mainline whose functions have their name before them. */
const MAINLINE_DRIVER =
  /^(?<driver>ast|cirrus|em28xx|gud|hyperv|ili9\d{3}|mgag200|repaper|simpledrm|ssd130x|udl|uvc|vicodec|vim2m|vimc|vivid|vkms|virtio_gpu)_/u;

/** What a mapping tells of who made it. */
export type ConsumerFacts = Pick<MappingEvent, 'path' | 'modules' | 'driver'>;

/** Names who maps. `path[0]` and its own kind say nothing; the first caller does. */
export function nameConsumer({ path, modules = [], driver: told }: ConsumerFacts): Consumer {
  const callers = path.filter((name, index) => index > 0 && roleOf(name) === 'none');
  const [direct] = callers;
  if (direct === undefined) return { name: 'unknown caller', origin: 'unknown' };
  const known = MAINLINE_CALLERS.find(({ pattern }) => pattern.test(direct));
  if (known === undefined) return nameForeign(direct, modules);
  const subsystem = callers.some((name) => FBDEV.test(name)) ? 'fbdev emulation' : known.subsystem;
  const module = driverModule(callers, modules);
  const driver = known.driver ?? told ?? module?.name ?? driverOf(callers);
  const isOutOfTree = module !== undefined && known.driver === undefined && module.isOutOfTree === true;
  const isMainline =
    known.driver !== undefined ||
    driverOf(callers) !== undefined ||
    (told === undefined ? module === undefined : isMainlineDriver(told));
  return {
    name: driver === undefined ? subsystem : `${subsystem}, ${driver}`,
    subsystem,
    ...(driver === undefined ? {} : { driver }),
    origin: isOutOfTree ? 'out-of-tree' : isMainline ? 'in-tree' : 'unknown',
    ...(module?.buildId === undefined ? {} : { buildId: module.buildId }),
  };
}

/** The call is none of mainline's, so whoever makes it is not in mainline. */
function nameForeign(direct: string, modules: readonly TraceModule[]): Consumer {
  const module = modules.find(({ functions }) => functions.includes(direct));
  return {
    name: module === undefined ? direct : `${module.name}, ${direct}`,
    ...(module === undefined ? {} : { driver: module.name }),
    origin: 'out-of-tree',
    ...(module?.buildId === undefined ? {} : { buildId: module.buildId }),
  };
}

function driverModule(callers: readonly string[], modules: readonly TraceModule[]): TraceModule | undefined {
  return modules.find(
    ({ name, functions }) => !SHARED_MODULE.test(name) && functions.some((one) => callers.includes(one)),
  );
}

/** By the name of a device's driver, in which some have a dash. */
function isMainlineDriver(name: string): boolean {
  return MAINLINE_DRIVER.test(`${name.replaceAll('-', '_')}_`);
}

function driverOf(callers: readonly string[]): string | undefined {
  for (const name of callers) {
    const driver = MAINLINE_DRIVER.exec(name)?.groups?.['driver'];
    if (driver !== undefined) return driver;
  }
  return undefined;
}
