import type { Driver } from './kernel-driver.ts';

/**
 * The meaning of a heap's name. Names are stable and describe the region, never the allocator
 * (Documentation/userspace-api/dma-buf-heaps.rst).
 */
interface HeapNameMeaning {
  /** The end of a sentence: "the kernel's heap of …". */
  readonly what: string;
  /** Whether each buffer is one run, as devices without an IOMMU need. */
  readonly contiguous: boolean;
  /** Whether the CPU's caches are bypassed: reading is slow then. */
  readonly uncached: boolean;
  /** Whether its pages are addressable by devices with 32-bit addresses. */
  readonly below4GiB: boolean;
  /** Whether the CPU may map its buffers. Heaps for protected content are for devices only. */
  readonly cpuMappable: boolean;
  /** The driver in mainline Linux. Undefined for a heap of vendors' kernels. */
  readonly driver: Driver | undefined;
}

interface HeapNamePattern {
  readonly pattern: RegExp;
  readonly what: string;
  readonly contiguous?: boolean;
  readonly driver?: Driver;
}

const SYSTEM_DRIVER: Driver = { module: 'system_heap', option: 'CONFIG_DMABUF_HEAPS_SYSTEM' };
const CMA_DRIVER: Driver = { module: 'cma_heap', option: 'CONFIG_DMABUF_HEAPS_CMA' };

/**
 * In order of preference. Mainline calls the default area `default_cma_region` since 6.17, and
 * before that by the name of its region (`linux,cma` in a device tree, `reserved` from the command
 * line). The others are vendors' names.
 */
const PATTERNS: readonly HeapNamePattern[] = [
  {
    pattern: /^default_cma_region$/u,
    what: "the kernel's default contiguous area",
    contiguous: true,
    driver: CMA_DRIVER,
  },
  { pattern: /^linux,cma$/u, what: "the device tree's contiguous area", contiguous: true, driver: CMA_DRIVER },
  {
    pattern: /^reserved$/u,
    what: 'the contiguous area of the command line (cma=)',
    contiguous: true,
    driver: CMA_DRIVER,
  },
  { pattern: /^vidbuf_cached$/u, what: "Raspberry Pi's contiguous area, cached", contiguous: true },
  { pattern: /^(?:cma|default-pool)$/u, what: "a vendor's contiguous area", contiguous: true, driver: CMA_DRIVER },
  { pattern: /^rk-dma-heap-cma$/u, what: "a vendor's contiguous area", contiguous: true },
  { pattern: /cma.*uncached|uncached.*cma/u, what: 'a contiguous area', contiguous: true },
  { pattern: /cma|contig|carveout/u, what: 'a contiguous area, by its name', contiguous: true },
  { pattern: /uncached|^system.*dma32/u, what: 'scattered pages' },
  { pattern: /^system$/u, what: 'scattered pages of the whole memory', driver: SYSTEM_DRIVER },
  { pattern: /^system_cc_/u, what: 'scattered pages that the host of a confidential guest can read' },
  { pattern: /^(?:qcom,)?system(?:-|$)/u, what: 'scattered pages of the whole memory' },
];

const UNKNOWN: Omit<HeapNamePattern, 'pattern'> = { what: 'a heap whose name says nothing' };

const UNCACHED = /uncached/u;
const BELOW_4_GIB = /dma32/u;
/**
 * Words in names of heaps for protected content: `protected,secure-video` and others of the TEE
 * subsystem (drivers/tee/tee_heap.c, 6.18), `restricted_mtk_cm` and `mtk_svp_…` of MediaTek,
 * `qcom,secure-pixel` of Qualcomm, `vframe-secure` of Google.
 */
const PROTECTED = /(?<![a-z])(?:protected|restricted|secure|svp|prot)(?![a-z])/u;
const NOT_PROTECTED = /(?<![a-z])(?:non|not|un)[-_]?(?:protected|restricted|secure)(?![a-z])/u;

/** Whether the CPU may map exports of the heap, as far as the name shows. */
export function mayCpuMap(name: string): boolean {
  return !PROTECTED.test(name) || NOT_PROTECTED.test(name);
}

/** The meaning of the name of a heap in `/dev/dma_heap`. */
export function meaningOfHeapName(name: string): HeapNameMeaning {
  const { what, contiguous = false, driver } = PATTERNS.find(({ pattern }) => pattern.test(name)) ?? UNKNOWN;
  const cpuMappable = mayCpuMap(name);
  return {
    what: cpuMappable || contiguous ? what : 'memory for protected content',
    contiguous,
    uncached: UNCACHED.test(name),
    below4GiB: BELOW_4_GIB.test(name),
    cpuMappable,
    driver,
  };
}

/**
 * A description from a heap's name, with the consequence: `scattered pages, uncached: reading it
 * with the CPU is slow`.
 */
export function describeHeapName(name: string): string {
  const { what, uncached, below4GiB, cpuMappable } = meaningOfHeapName(name);
  const facts = [
    what,
    ...(uncached ? ['uncached'] : []),
    ...(below4GiB ? ['below 4 GiB'] : []),
    ...(cpuMappable ? [] : ['closed to the CPU']),
  ].join(', ');
  if (!cpuMappable) return `${facts}: its buffers can be passed on to devices, and not be mapped`;
  return uncached ? `${facts}: reading it with the CPU is slow` : facts;
}

/**
 * Whether the name means memory of the kernel's contiguous allocator: `CmaTotal` of `/proc/meminfo`
 * does not count carveouts.
 */
export function isCmaHeapName(name: string): boolean {
  return meaningOfHeapName(name).contiguous && !/contig|carveout/u.test(name);
}

/** The contiguous heaps among `names` whose buffers the CPU may map, the best first. */
export function contiguousHeapNames(names: readonly string[]): string[] {
  const rank = (name: string): number => PATTERNS.findIndex(({ pattern }) => pattern.test(name));
  return names
    .filter((name) => meaningOfHeapName(name).contiguous && meaningOfHeapName(name).cpuMappable)
    .toSorted((one, other) => rank(one) - rank(other));
}
