import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { EMBEDDED_HEAP_NAME } from './embedded/index.ts';
import type { HeapListing } from './contract.ts';

const NOT_YET = 'this version allocates from the embedded heap only';

/**
 * The heaps of this machine: every `/dev/dma_heap/*`, `/dev/udmabuf`, and the embedded one, each with whether it can be used
 * and why not.
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

/** Why a heap is missing. */
type Missing = Required<Pick<HeapListing, 'reason' | 'remedy'>>;

const NO_HEAP_FOLDER: Missing = {
  reason: 'there is no /dev/dma_heap',
  remedy:
    'boot a kernel built with CONFIG_DMABUF_HEAPS and CONFIG_DMABUF_HEAPS_SYSTEM; in a container, pass /dev/dma_heap in',
};

const NO_HEAP: Missing = {
  reason: '/dev/dma_heap is empty',
  remedy: 'boot a kernel built with CONFIG_DMABUF_HEAPS_SYSTEM; in a container, pass the devices in /dev/dma_heap in',
};

function listKernelHeaps(root: string): HeapListing[] {
  const found = readHeapNames(root);
  if (Array.isArray(found))
    return found.map((name) => ({ name, backend: 'kernel', available: false, reason: NOT_YET }));
  return [{ name: EMBEDDED_HEAP_NAME, backend: 'kernel', available: false, ...found }];
}

function listUdmabuf(root: string): HeapListing {
  const listing = { name: 'udmabuf', backend: 'udmabuf', available: false } as const;
  try {
    if (statSync(join(root, 'dev/udmabuf'), { throwIfNoEntry: false }) !== undefined)
      return { ...listing, reason: NOT_YET };
  } catch (error) {
    return { ...listing, ...unreadable('/dev/udmabuf', (error as NodeJS.ErrnoException).code ?? 'no code') };
  }
  return {
    ...listing,
    reason: 'there is no /dev/udmabuf',
    remedy:
      'load the driver with "modprobe udmabuf", or boot a kernel built with CONFIG_UDMABUF; in a container, pass /dev/udmabuf in',
  };
}

/** At least one name, or why there is none. */
function readHeapNames(root: string): string[] | Missing {
  try {
    const names = readdirSync(join(root, 'dev/dma_heap'));
    return names.length === 0 ? NO_HEAP : names.toSorted();
  } catch (error) {
    const { code = 'no code' } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? NO_HEAP_FOLDER : unreadable('/dev/dma_heap', code);
  }
}

function unreadable(path: string, code: string): Missing {
  const reason = `${path} cannot be read (${code})`;
  if (code !== 'EACCES' && code !== 'EPERM') return { reason, remedy: `look at it with "ls -ld ${path}"` };
  return { reason, remedy: 'join the group that owns it, let yourself in with a udev rule, or run as root' };
}
