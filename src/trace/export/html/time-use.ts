import type { PartKind } from '../../analysis/part-times.ts';

/** What a piece of time went into; `undivided` where the parts of a mapping are not known. */
export type TimeUse = PartKind | 'undivided';

/**
 * In the order in which they stand in a mapping. Where in it a part began is not known: the parts
 * stand one behind the other.
 */
export const TIME_USES: readonly TimeUse[] = [
  'lock-wait',
  'page-array',
  'sg-to-pages',
  'vmap',
  'free',
  'other',
  'undivided',
];

/** For people. */
export const TIME_USE_NAMES: Readonly<Record<TimeUse, string>> = {
  'lock-wait': 'locks',
  'page-array': 'page array',
  'sg-to-pages': 'sg table to pages',
  vmap: 'vmap',
  free: 'frees',
  other: 'the rest',
  undivided: 'not divided',
};
