import type { BackendKind, HeapListing } from '../../backend/contract.ts';

/** The backend that `openHeap` takes, and why not one before it. */
export interface BackendChoice {
  /** The heap that is opened. */
  readonly name: string;
  /** Undefined where no backend can open it. */
  readonly backend: BackendKind | undefined;
  /** What it is. */
  readonly reason: string;
  /** Those that come first but cannot open it. */
  readonly passedOver: readonly HeapListing[];
}

const PREFERENCE: readonly BackendKind[] = ['kernel', 'udmabuf', 'embedded'];

/** Foretells `openHeap(name)` with its defaults. */
export function chooseBackend(name: string, listings: readonly HeapListing[]): BackendChoice {
  const candidates = PREFERENCE.flatMap((kind) => {
    const ofKind = listings.filter(({ backend }) => backend === kind);
    const listing = ofKind.find((candidate) => candidate.name === name) ?? ofKind[0];
    return listing === undefined ? [] : [listing];
  });
  const chosen = candidates.findIndex((listing) => serves(name, listing));
  return {
    name,
    backend: candidates[chosen]?.backend,
    reason: candidates[chosen]?.reason ?? 'no backend of this machine can open it',
    passedOver: chosen === -1 ? candidates : candidates.slice(0, chosen),
  };
}

/** udmabuf stands in for a heap of any name, and is listed by its own. */
function serves(name: string, listing: HeapListing): boolean {
  return listing.available && (listing.name === name || listing.backend === 'udmabuf');
}
