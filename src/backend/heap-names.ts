/** What a heap's name says. Names are stable and describe the region, never who allocates (Documentation/userspace-api/dma-buf-heaps.rst). */
interface HeapNameMeaning {
  /** A sentence's end: "the kernel's heap of …". */
  readonly what: string;
  /** Whether its buffers are one run, as devices without an IOMMU need. */
  readonly contiguous: boolean;
  /** Whether the CPU's caches are bypassed: reading is slow then. */
  readonly uncached: boolean;
}

interface HeapNamePattern extends HeapNameMeaning {
  readonly pattern: RegExp;
}

/**
 * In the order of preference where several would do. Mainline calls the default area `default_cma_region` since 6.17, before by the name of
 * its region (`linux,cma` in a device tree, `reserved` from the command line); the others are vendors' names.
 */
const PATTERNS: readonly HeapNamePattern[] = [
  { pattern: /^default_cma_region$/u, what: "the kernel's default contiguous area", contiguous: true, uncached: false },
  { pattern: /^linux,cma$/u, what: "the device tree's contiguous area", contiguous: true, uncached: false },
  { pattern: /^reserved$/u, what: 'the contiguous area of the command line (cma=)', contiguous: true, uncached: false },
  { pattern: /^vidbuf_cached$/u, what: "Raspberry Pi's contiguous area, cached", contiguous: true, uncached: false },
  {
    pattern: /^(?:cma|rk-dma-heap-cma|default-pool)$/u,
    what: "a vendor's contiguous area",
    contiguous: true,
    uncached: false,
  },
  { pattern: /cma.*uncached|uncached.*cma/u, what: 'a contiguous area, uncached', contiguous: true, uncached: true },
  { pattern: /cma|contig|carveout/u, what: 'a contiguous area, by its name', contiguous: true, uncached: false },
  { pattern: /uncached/u, what: 'scattered pages, uncached', contiguous: false, uncached: true },
  { pattern: /^system(?:-|$)/u, what: 'scattered pages of the whole memory', contiguous: false, uncached: false },
];

const UNKNOWN: HeapNameMeaning = { what: 'a heap whose name says nothing', contiguous: false, uncached: false };

/** What the name of a heap in `/dev/dma_heap` says of its memory. */
export function meaningOfHeapName(name: string): HeapNameMeaning {
  return PATTERNS.find(({ pattern }) => pattern.test(name)) ?? UNKNOWN;
}

/** Whether the name says that the memory is the kernel's contiguous allocator's: `CmaTotal` of `/proc/meminfo` does not count carveouts. */
export function isCmaHeapName(name: string): boolean {
  return meaningOfHeapName(name).contiguous && !/contig|carveout/u.test(name);
}

/** The contiguous heaps among `names`, the best first. */
export function contiguousHeapNames(names: readonly string[]): string[] {
  const rank = (name: string): number => PATTERNS.findIndex(({ pattern }) => pattern.test(name));
  return names.filter((name) => meaningOfHeapName(name).contiguous).toSorted((one, other) => rank(one) - rank(other));
}
