import type { RawCalls } from '../linux/libc.ts';

/** What surrounds a heap, for tests: system calls that fail, files that are not the machine's. */
export interface HeapSurroundings {
  readonly raw?: RawCalls;
  /** Where `/dev`, `/proc` and `/sys` are found. */
  readonly root?: string;
}
