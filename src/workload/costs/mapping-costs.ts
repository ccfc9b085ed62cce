/** What something costs, in ns: at least, most likely, at most. */
export interface CostRange {
  readonly lowNs: number;
  readonly likelyNs: number;
  readonly highNs: number;
}

/** A cost, and what it rests on. */
export interface Cost extends CostRange {
  readonly basis: string;
}

/** Of each page that is mapped in a chunk of 2^order pages, or of more. */
export interface OrderCost extends Cost {
  readonly order: number;
}

/**
 * What mapping a dma-buf costs on a machine. What is absent is not known. Pages are of 4 KiB: that
 * is what figures are published for.
 */
export interface MappingCosts {
  /** Which machine, by which source. */
  readonly source: string;
  /** Of each call of `dma_buf_vmap`: what is neither the exporter's nor a wait for the lock. */
  readonly call?: Cost;
  /** Of each mapping that the exporter makes, however small. */
  readonly mapping?: Cost;
  /** Of each page: the array of pages, made and freed. */
  readonly pageArray?: Cost;
  /** Of each page: the sg table turned into the array page by page, as mainline does. */
  readonly byPage?: Cost;
  /** The same entry by entry, as the patch of April 2026. */
  readonly byEntry?: Cost;
  /** Of each page, by the order of its chunk, ascending from 0: as mainline maps. */
  readonly vmap?: readonly OrderCost[];
  /** The same where runs of pages are mapped at once, as the series of June 2026. */
  readonly vmapBatched?: readonly OrderCost[];
}

/** The costs that are one figure each, in the order of a mapping. */
export const SINGLE_COSTS = ['call', 'mapping', 'pageArray', 'byPage', 'byEntry'] as const;
/** Those by order. */
export const ORDER_COSTS = ['vmap', 'vmapBatched'] as const;

/** Of nothing. */
export const NO_COST: CostRange = { lowNs: 0, likelyNs: 0, highNs: 0 };

/** `count` times a cost, beside another. */
export function addCost(sum: CostRange, count: number, { lowNs, likelyNs, highNs }: CostRange): CostRange {
  return {
    lowNs: sum.lowNs + count * lowNs,
    likelyNs: sum.likelyNs + count * likelyNs,
    highNs: sum.highNs + count * highNs,
  };
}
