import type { BackendKind, BufferLayout } from '../heap/backend.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { FilePages } from './page-by-page-window.ts';
import type { SecondWay } from './window-proof.ts';

/** The heap of a buffer. */
export interface HeapReport {
  readonly name: string;
  readonly backend: BackendKind;
  /** Why this backend was chosen, and not an earlier one. */
  readonly chosenBecause: string;
  /** The orders that it allocates in, largest first; undefined where the kernel decides them. */
  readonly orders: readonly number[] | undefined;
  /** The page count of the embedded heap's arena. Undefined: pfns count the machine's memory. */
  readonly arenaPageCount: number | undefined;
}

/** A buffer of the main job, accessible below its API as well. */
export interface MeasuredBuffer {
  readonly heap: HeapReport;
  /**
   * How much of the machine's memory is held to fragment it; undefined where it is not fragmented.
   */
  readonly heldBytes: number | undefined;
  readonly buffer: DmaBuf;
  readonly layout: BufferLayout;
  readonly mapping: MappingContext;
  /** The pages of its view. */
  readonly filePages: FilePages;
  /** The way to its memory that bypasses the view. */
  readonly secondWay: SecondWay;
  /** Closes the buffer, then its heap. */
  close(): void;
}
