/** Something that could not be read, and whose contents are therefore missing from the listing. */
export interface Gap {
  readonly kind:
    | 'kernel-list'
    | 'holders'
    | 'processes'
    | 'hidden-processes'
    | 'namespace'
    | 'indistinct-buffers'
    | 'unreadable-descriptors'
    | 'shared-descriptors';
  /** A sentence without its full stop. */
  readonly what: string;
  /** How many: processes, descriptors. Null where they cannot be counted. */
  readonly count: number | null;
  /** The remedy: completes "Remedy: …". */
  readonly remedy: string;
}

/** Gaps that hide neither buffers nor their holders: every hold of a process is still seen. */
const HIDING_NO_HOLDER: ReadonlySet<Gap['kind']> = new Set(['kernel-list', 'shared-descriptors']);

/** Whether every process that holds a buffer was read. */
export function seesAllHolders(gaps: readonly Gap[]): boolean {
  return gaps.every(({ kind }) => HIDING_NO_HOLDER.has(kind));
}
