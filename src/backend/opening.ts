import type { ByteLength } from '../base/quantities.ts';
import type { BufferCalls } from './buffer-calls.ts';
import type { BackendHeap } from './contract.ts';

/** What a backend is asked to open. Arguments were checked before. */
export interface OpeningRequest {
  readonly name: string;
  /** Whether every buffer is to be one run. */
  readonly contiguous: boolean;
  /** The largest buffer that will be allocated, as far as the caller knows. */
  readonly largest: ByteLength | undefined;
  readonly calls: BufferCalls;
  /** Where `/dev`, `/proc` and `/sys` are found. */
  readonly root: string;
}

/** Why a backend does not open a heap, and what would help: clauses of a message. */
export interface OpeningRefusal {
  readonly heap?: undefined;
  readonly reason: string;
  readonly remedy?: string;
}

/** An open heap, or why there is none. */
export type Opening = { readonly heap: BackendHeap } | OpeningRefusal;
