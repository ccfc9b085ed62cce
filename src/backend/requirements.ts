import type { BackendKind } from '../heap/backend.ts';
import type { Shareable } from '../heap/shareable.ts';
import type { OpenRefusal } from './open-request.ts';

/**
 * A requirement on every buffer of a heap. `deviceImport`: a device of this machine can import it.
 * `share`: another process can have it.
 */
export type HeapRequirement = 'deviceImport' | 'share';

export const HEAP_REQUIREMENTS: readonly HeapRequirement[] = ['deviceImport', 'share'];

/** The requirements on every buffer of a heap. */
interface BufferNeeds {
  readonly require: readonly HeapRequirement[];
  readonly contiguous: boolean;
  /** The default of `shareable` for buffers of the heap. */
  readonly shareable: Shareable;
}

/** Why a backend cannot meet the requirements; undefined where it can. */
export function findLack(backend: BackendKind, needs: BufferNeeds): OpenRefusal | undefined {
  return backend === 'embedded' ? findLackOfEmbedded(needs) : findLackOfDmaBufs(needs);
}

function findLackOfEmbedded({ require, contiguous, shareable }: BufferNeeds): OpenRefusal | undefined {
  if (require.includes('deviceImport')) {
    const note = 'run "dmabuf doctor", which says how to open one of the other backends';
    return {
      reason: 'its buffers are memory of this process, which no device can import for certain',
      remedy: { commands: [], note },
    };
  }
  if (!contiguous || shareable === false) return undefined;
  return { reason: 'its shareable buffers are memfds, whose pages lie anywhere' };
}

/** Kernel heaps and udmabuf: every holder of a dma-buf's descriptor can write to it. */
function findLackOfDmaBufs({ shareable }: BufferNeeds): OpenRefusal | undefined {
  if (shareable !== 'read-only') return undefined;
  return { reason: 'its buffers are dma-bufs, to which every process that has them can write' };
}
