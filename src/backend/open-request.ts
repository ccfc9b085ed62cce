import type { ErrnoName } from '../base/errors.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { Remedy } from '../diagnosis/remedy.ts';
import type { BufferCalls } from './buffer-calls.ts';
import type { BackendHeap } from '../heap/backend.ts';
import type { Machine } from '../linux/machine.ts';

/** The request to a backend. Arguments are already checked. */
export interface OpenRequest {
  readonly name: string;
  /** Whether every buffer must be one run. */
  readonly contiguous: boolean;
  /** The largest buffer that will be allocated, as far as the caller knows. */
  readonly largest: ByteLength | undefined;
  readonly calls: BufferCalls;
  /** Where `/dev`, `/proc` and `/sys` are found. */
  readonly machine: Machine;
}

/** Why a backend does not open a heap, and the remedy: clauses of a message. */
export interface OpenRefusal {
  readonly heap?: undefined;
  readonly reason: string;
  readonly remedy?: Remedy;
  /** The kernel's refusal, where it was asked. */
  readonly code?: ErrnoName;
}

/** An open heap, or the reason why there is none. */
export type OpenResult = { readonly heap: BackendHeap } | OpenRefusal;
