import { isDmaBufError } from '../../base/errors.ts';
import { formatRemedy } from '../../diagnosis/remedy.ts';
import type { HeapProbe } from '../../backend/list-heaps.ts';
import type { BackendKind, HeapInfo } from '../../heap/backend.ts';
import { chooseHeap } from '../../backend/open-heap.ts';
import type { PassedOver } from '../../backend/open-heap.ts';
import type { Machine } from '../../linux/machine.ts';

/** A backend that cannot open the heap. */
type PassedOverListing = Pick<HeapInfo, 'name' | 'backend' | 'available' | 'reason' | 'remedy'>;

/** The backend that `openHeap` chooses, and why not an earlier one. */
export interface BackendChoice {
  /** The heap that is opened. */
  readonly name: string;
  /** Undefined where no backend can open it. */
  readonly backend: BackendKind | undefined;
  /** A description. */
  readonly reason: string;
  /** The earlier backends, which cannot open it. */
  readonly passedOver: readonly PassedOverListing[];
}

/**
 * Opens a heap as `openHeap(name)` does, by the same code, and closes it at once. `probes`:
 * descriptions of the heaps.
 */
export function chooseBackend(name: string, machine: Machine, probes: readonly HeapProbe[]): BackendChoice {
  try {
    const { heap, passedOver } = chooseHeap(machine, name);
    heap?.close();
    return {
      name,
      backend: heap?.backend,
      reason: heap === undefined ? 'no backend of this machine can open it' : describe(heap, probes),
      passedOver: passedOver.map((one) => toPassedOver(name, one)),
    };
  } catch (error) {
    // The embedded heap comes last, and describes its own limits.
    if (!isDmaBufError(error)) throw error;
    return { name, backend: undefined, reason: error.message, passedOver: [] };
  }
}

function describe(
  heap: { readonly backend: BackendKind; readonly name: string },
  probes: readonly HeapProbe[],
): string {
  const ofBackend = probes.filter(({ backend }) => backend === heap.backend);
  return (ofBackend.find(({ name }) => name === heap.name) ?? ofBackend[0])?.what ?? '';
}

function toPassedOver(name: string, { backend, reason, remedy }: PassedOver): PassedOverListing {
  const listing = { name, backend, available: false, reason };
  return remedy === undefined ? listing : { ...listing, remedy: formatRemedy(remedy) };
}
