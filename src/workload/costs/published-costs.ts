import type { MappingCosts } from './mapping-costs.ts';

/** Another machine is up to twice as fast, or half as fast, where nothing else was published. */
const MACHINE_FACTOR = 2;

function around(likelyNs: number, basis: string): { lowNs: number; likelyNs: number; highNs: number; basis: string } {
  return { lowNs: likelyNs / MACHINE_FACTOR, likelyNs, highNs: likelyNs * MACHINE_FACTOR, basis };
}

const O6 = 'linaro-mm-sig, April 2026: a buffer of 2 GiB on a Radxa O6';
const RK3588 = 'linux-mm, June 2026, v4: 100 MB of order 8 on a little core of an RK3588';
const UNNAMED = 'linux-mm, December 2025: 128 MB on an unnamed device, all of system_heap_do_vmap';
const SINGLE_PAGES = 'linux-mm, April 2026: single pages lose and gain nothing';

/**
 * What was published, of several machines: a phone may be any of them. Low and high are half and
 * twice the likely figure, or another machine's that is further off.
 */
export const PUBLISHED_COSTS: MappingCosts = {
  source: 'published figures, of several machines',
  byPage: around(2.75, `${O6}, 1.44 ms; half and twice for another machine`),
  byEntry: around(0.44, `${O6}, 0.232 ms; half and twice for another machine`),
  vmap: [
    {
      order: 0,
      lowNs: 24,
      likelyNs: 48,
      highNs: 1290,
      basis: `${RK3588}, 1,235 µs: half of it as the least; the most is of ${UNNAMED}, 42.1 to 42.8 ms`,
    },
  ],
  vmapBatched: [
    { order: 0, lowNs: 24, likelyNs: 48, highNs: 1290, basis: `${SINGLE_PAGES}; as without the series` },
    {
      order: 8,
      lowNs: 2.9,
      likelyNs: 5.8,
      highNs: 75,
      basis: `${RK3588}, 149 µs: half of it as the least; the most is of ${UNNAMED}, 2.44 to 2.49 ms`,
    },
  ],
};
