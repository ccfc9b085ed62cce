import { inspect } from 'node:util';

import { checkBoolean, checkOneOf, checkOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import type { Heap, HeapOptions } from '../heap/heap.ts';
import type { BackendKind, HeapListing } from './contract.ts';
import { listHeaps } from './detect.ts';
import { EMBEDDED_HEAP_NAME, openEmbeddedHeapWithin } from './embedded/index.ts';
import type { EmbeddedHeapOptions } from './embedded/index.ts';

/** Options of {@link openHeap}. */
export interface OpenHeapOptions extends HeapOptions {
  /** Which backends may be taken, the preferred one first. Default: kernel, udmabuf, embedded. */
  readonly backends?: readonly BackendKind[] | undefined;
  /** How the embedded heap is set up, if it is taken. */
  readonly embedded?: EmbeddedHeapOptions | undefined;
}

const BACKEND_KINDS: readonly BackendKind[] = ['kernel', 'udmabuf', 'embedded'];

/**
 * Opens a heap by name, from the first backend that this machine has.
 *
 * @throws {TypeError} for an unknown backend or option, or a value of the wrong kind
 * @throws {RangeError} for no backend at all, or a value out of range
 * @throws {DmaBufError} `ENODEV` when no backend allowed can open the heap; the message says why for each
 */
export function openHeap(name: string, options: OpenHeapOptions = {}): Heap {
  if (typeof name !== 'string')
    throw new TypeError('Cannot open a heap as its name must be a string, such as "system"');
  checkOptions(options, 'open the heap', ['backends', 'embedded', 'trackAllocations']);
  const { trackAllocations = false } = options;
  checkBoolean(trackAllocations, 'open the heap with trackAllocations');
  const allowed = checkBackends(options.backends ?? BACKEND_KINDS);
  const listings = listHeaps();
  const reasons: string[] = [];
  for (const kind of allowed) {
    if (kind === 'embedded' && name === EMBEDDED_HEAP_NAME) return openEmbedded(options, reasons);
    reasons.push(whyNot(kind, name, listings));
  }
  throw new DmaBufError(`Cannot open heap "${name}" as ${reasons.join('; ')}`, { code: 'ENODEV', values: { name } });
}

function checkBackends(backends: unknown): BackendKind[] {
  const action = 'open the heap';
  if (!Array.isArray(backends))
    throw new TypeError(`Cannot ${action} as its backends must be an array: current value is ${inspect(backends)}`);
  if (backends.length === 0)
    throw new RangeError(`Cannot ${action} as its backends must name at least one: current value is []`);
  return backends.map((kind: unknown) => checkOneOf(kind, 'open a heap from a backend', BACKEND_KINDS));
}

function openEmbedded(options: OpenHeapOptions, reasons: readonly string[]): Heap {
  const { trackAllocations, embedded = {} } = options;
  // Spread, anything but an object would pass for no options at all.
  if (typeof embedded !== 'object')
    throw new TypeError('Cannot set up the embedded heap as its options must be an object');
  const chosenBecause = reasons.length === 0 ? 'it was asked for first' : reasons.join('; ');
  return openEmbeddedHeapWithin({}, { trackAllocations, ...embedded }, chosenBecause);
}

function whyNot(kind: BackendKind, name: string, listings: readonly HeapListing[]): string {
  const ofKind = listings.filter((listing) => listing.backend === kind);
  const listing = ofKind.find((candidate) => candidate.name === name) ?? ofKind[0];
  if (kind === 'embedded') return `the embedded heap is named "${EMBEDDED_HEAP_NAME}"`;
  const remedy = listing?.remedy === undefined ? '' : ` (${listing.remedy})`;
  return `${kind}: ${listing?.reason ?? 'it has no such heap'}${remedy}`;
}
