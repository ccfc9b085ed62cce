import { inspect } from 'node:util';

import { checkBoolean, checkInteger, checkOneOf, checkOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import { toByteLength } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
import { Heap } from '../heap/heap.ts';
import type { HeapOptions } from '../heap/heap.ts';
import { createBufferCalls } from './buffer-calls.ts';
import type { BackendKind } from './contract.ts';
import { EMBEDDED_HEAP_NAME, openEmbeddedHeapWithin } from './embedded/index.ts';
import type { EmbeddedHeapOptions } from './embedded/index.ts';
import { openKernelHeap } from './kernel/open.ts';
import type { Opening, OpeningRefusal, OpeningRequest } from './opening.ts';
import type { HeapSurroundings } from './surroundings.ts';
import { openUdmabufHeap } from './udmabuf/open.ts';

/** Options of {@link openHeap}. */
export interface OpenHeapOptions extends HeapOptions {
  /** Which backends may be taken, the preferred one first. Default: kernel, udmabuf, embedded. */
  readonly backends?: readonly BackendKind[] | undefined;
  /**
   * For devices without an IOMMU: every buffer is one run of pages. From the kernel then comes the heap of the name asked for where that says
   * contiguous, else the contiguous (CMA) heap under whichever of its names it goes here; udmabuf has none. From the embedded heap, shareable
   * buffers are the exception: they are memfds, which no device can import. Default: false.
   */
  readonly contiguous?: boolean | undefined;
  /** The largest buffer that will be allocated, in bytes: a backend that cannot hold it is passed over. */
  readonly largest?: number | undefined;
  /** How the embedded heap is set up, if it is taken. */
  readonly embedded?: EmbeddedHeapOptions | undefined;
}

const BACKEND_KINDS: readonly BackendKind[] = ['kernel', 'udmabuf', 'embedded'];
const OPTION_NAMES = ['backends', 'contiguous', 'largest', 'embedded', 'trackAllocations'];

/**
 * Opens a heap by name, from the first backend that this machine has and that can hold what is asked for.
 *
 * @param name of a heap in `/dev/dma_heap`; udmabuf and the embedded heap stand in for `system`
 * @throws {TypeError} for an unknown backend or option, or a value of the wrong kind
 * @throws {RangeError} for no backend at all, a name that no heap can have, or a value out of range
 * @throws {DmaBufError} `ENODEV` when no backend allowed can open the heap; the message says why for each, and what would help
 */
export function openHeap(name: string, options: OpenHeapOptions = {}): Heap {
  return openHeapWithin({}, name, options);
}

/** As {@link openHeap}, in other surroundings. @internal */
export function openHeapWithin(surroundings: HeapSurroundings, name: string, options: OpenHeapOptions = {}): Heap {
  checkName(name);
  checkOptions(options, 'open the heap', OPTION_NAMES);
  const { trackAllocations = false } = options;
  checkBoolean(trackAllocations, 'open the heap with trackAllocations');
  const allowed = checkBackends(options.backends ?? BACKEND_KINDS);
  const request = toRequest(surroundings, name, options);
  const refusals: string[] = [];
  for (const kind of allowed) {
    const chosenBecause = refusals.length === 0 ? `it comes first of ${allowed.join(', ')}` : refusals.join('; ');
    const opened =
      kind === 'embedded'
        ? openEmbedded(surroundings, { request, options, chosenBecause })
        : openFrom(kind, { request, trackAllocations, chosenBecause });
    if (opened instanceof Heap) return opened;
    refusals.push(`${kind}: ${describe(opened)}`);
  }
  throw new DmaBufError(`Cannot open heap "${name}" as ${refusals.join('; ')}`, { code: 'ENODEV', values: { name } });
}

function toRequest({ raw, root = '/' }: HeapSurroundings, name: string, options: OpenHeapOptions): OpeningRequest {
  const { largest } = options;
  const calls = createBufferCalls(raw);
  const max = TABLE_PAGE_COUNT_MAX * calls.system.pageSize();
  return {
    name,
    contiguous: checkBoolean(options.contiguous ?? false, 'open a contiguous heap'),
    largest:
      largest === undefined
        ? undefined
        : toByteLength(checkInteger(largest, 'open a heap for the largest buffer', { min: 1, max })),
    calls,
    root,
  };
}

const OPENERS: Readonly<Record<'kernel' | 'udmabuf', (request: OpeningRequest) => Opening>> = {
  kernel: openKernelHeap,
  udmabuf: openUdmabufHeap,
};

function openFrom(
  kind: 'kernel' | 'udmabuf',
  {
    request,
    trackAllocations,
    chosenBecause,
  }: { request: OpeningRequest; trackAllocations: boolean; chosenBecause: string },
): Heap | OpeningRefusal {
  const opening = OPENERS[kind](request);
  return opening.heap === undefined ? opening : new Heap(opening.heap, chosenBecause, { trackAllocations });
}

function openEmbedded(
  surroundings: HeapSurroundings,
  { request, options, chosenBecause }: { request: OpeningRequest; options: OpenHeapOptions; chosenBecause: string },
): Heap | OpeningRefusal {
  const { trackAllocations, embedded = {} } = options;
  // Spread, anything but an object would pass for no options at all.
  if (typeof embedded !== 'object')
    throw new TypeError('Cannot set up the embedded heap as its options must be an object');
  if (request.name !== EMBEDDED_HEAP_NAME) return { reason: `the embedded heap is named "${EMBEDDED_HEAP_NAME}"` };
  const { contiguous, largest } = request;
  const heap = openEmbeddedHeapWithin(surroundings, { trackAllocations, contiguous, ...embedded }, chosenBecause);
  const { capacityBytes = 0 } = heap.stats();
  if (largest === undefined || largest <= capacityBytes) return heap;
  heap.close();
  return {
    reason: `its capacity is ${formatSize(capacityBytes)}, less than the ${formatSize(largest)} of largest`,
    remedy: 'give it more with { embedded: { capacity } }',
  };
}

function describe({ reason, remedy }: OpeningRefusal): string {
  return remedy === undefined ? reason : `${reason} (${remedy})`;
}

/** It is a file's name: a path would lead out of the heaps' folder, to devices of any other kind. */
function checkName(name: unknown): void {
  if (typeof name !== 'string')
    throw new TypeError('Cannot open a heap as its name must be a string, such as "system"');
  if (/^\.{0,2}$|[/\0]/u.test(name))
    throw new RangeError(
      `Cannot open a heap as its name must be one that a file in /dev/dma_heap can have: current value is ${inspect(name)}`,
    );
}

function checkBackends(backends: unknown): BackendKind[] {
  const action = 'open the heap';
  if (!Array.isArray(backends))
    throw new TypeError(`Cannot ${action} as its backends must be an array: current value is ${inspect(backends)}`);
  if (backends.length === 0)
    throw new RangeError(`Cannot ${action} as its backends must name at least one: current value is []`);
  return backends.map((kind: unknown) => checkOneOf(kind, 'open a heap from a backend', BACKEND_KINDS));
}
