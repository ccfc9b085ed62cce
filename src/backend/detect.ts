import { formatSize } from '../base/sizes.ts';
import { createBufferCalls } from './buffer-calls.ts';
import type { HeapListing } from './contract.ts';
import { EMBEDDED_HEAP_NAME } from './embedded/index.ts';
import { meaningOfHeapName } from './heap-names.ts';
import { openKernelHeap, readHeapNames } from './kernel/open.ts';
import type { Opening, OpeningRequest } from './opening.ts';
import { openUdmabufHeap } from './udmabuf/open.ts';
import { readUdmabufLimit } from './udmabuf/limit.ts';

/**
 * The heaps of this machine: every `/dev/dma_heap/*`, `/dev/udmabuf`, and the embedded one, each with whether it can be used
 * and why not. Each device is opened for a moment to see.
 */
export function listHeaps(): HeapListing[] {
  return listHeapsWithin('/');
}

/** As {@link listHeaps}, with `/dev` found in `root`. @internal */
export function listHeapsWithin(root: string): HeapListing[] {
  return [...listKernelHeaps(root), listUdmabuf(root), EMBEDDED_LISTING];
}

const EMBEDDED_LISTING: HeapListing = {
  name: EMBEDDED_HEAP_NAME,
  backend: 'embedded',
  available: true,
  reason: 'pages of a sealed memfd in this process, allocated as the kernel does',
};

function listKernelHeaps(root: string): HeapListing[] {
  const names = readHeapNames(root);
  if (!Array.isArray(names))
    return [{ name: EMBEDDED_HEAP_NAME, backend: 'kernel', available: false, ...refusalOf(names) }];
  return names.map((name) => describeKernelHeap(name, root));
}

function describeKernelHeap(name: string, root: string): HeapListing {
  const { what, uncached } = meaningOfHeapName(name);
  const reason = uncached ? `${what}: reading it with the CPU is slow` : what;
  return { name, backend: 'kernel', ...tryOpening(openKernelHeap, requestFor(name, root), reason) };
}

function listUdmabuf(root: string): HeapListing {
  const { bytes } = readUdmabufLimit(root);
  const reason = `dma-bufs over sealed memfds, of up to ${formatSize(bytes)} each`;
  return { name: 'udmabuf', backend: 'udmabuf', ...tryOpening(openUdmabufHeap, requestFor('udmabuf', root), reason) };
}

function requestFor(name: string, root: string): OpeningRequest {
  return { name, contiguous: false, largest: undefined, calls: createBufferCalls(), root };
}

function tryOpening(
  open: (request: OpeningRequest) => Opening,
  request: OpeningRequest,
  reason: string,
): Pick<HeapListing, 'available' | 'reason' | 'remedy'> {
  const opening = open(request);
  if (opening.heap === undefined) return { available: false, ...refusalOf(opening) };
  opening.heap.close();
  return { available: true, reason };
}

function refusalOf({ reason, remedy }: { reason: string; remedy?: string }): Pick<HeapListing, 'reason' | 'remedy'> {
  return remedy === undefined ? { reason } : { reason, remedy };
}
