/** Something that could not be read: what it may hold is missing from the listing. */
export interface Gap {
  readonly kind: 'kernel-list' | 'processes' | 'hidden-processes' | 'namespace' | 'indistinct-buffers';
  /** A sentence without its full stop. */
  readonly what: string;
  /** How many: processes, descriptors. Null where nobody can count them. */
  readonly count: number | null;
  /** What would help: completes "Remedy: …". */
  readonly remedy: string;
}
