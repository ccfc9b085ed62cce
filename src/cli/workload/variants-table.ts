import { formatCount, formatDurationRange } from '../../base/number-format.ts';
import type { Interval, VariantOutcome } from '../../workload/compare-workload.ts';
import { formatTable } from '../table.ts';

const COLUMNS = [
  { heading: 'DRIVERS', align: 'left' },
  { heading: 'PAGES', align: 'left' },
  { heading: 'PTES', align: 'left' },
  { heading: 'CALLS', align: 'right' },
  { heading: 'LATE', align: 'right' },
  { heading: 'MAPPING', align: 'right' },
  { heading: 'CONVERSION', align: 'right' },
  { heading: 'LOCKED', align: 'right' },
] as const;

/** A workload under several choices, a line each. */
export function formatVariants(variants: readonly VariantOutcome[], columns: number): string[] {
  return formatTable(COLUMNS, variants.map(toCells), columns);
}

function toCells(variant: VariantOutcome): string[] {
  const { caller, conversion, mapping, mappingCount, lateCount, mappingNs, conversionNs, lockedNs } = variant;
  return [
    caller,
    conversion,
    mapping,
    formatCount(mappingCount),
    formatCount(lateCount),
    formatRange(mappingNs),
    conversionNs === undefined ? '-' : formatRange(conversionNs),
    formatRange(lockedNs),
  ];
}

function formatRange({ low, high }: Interval): string {
  return formatDurationRange(low, high);
}
