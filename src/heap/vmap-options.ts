import { outOfRange } from '../base/argument-error.ts';
import { checkBoolean, readOptions } from '../base/check.ts';
import { checkPart } from './byte-part.ts';
import type { BytePart } from './byte-part.ts';

/** Options of `DmaBuf.vmap`. */
export interface VmapOptions {
  /**
   * Whether to fault in every page now, so that no later access causes a page fault. Default: pages
   * are faulted in when touched.
   */
  readonly populate?: boolean | undefined;
  /**
   * Whether to give a view of a separate window that cannot change the buffer. Default: whether the
   * buffer is read-only.
   */
  readonly readOnly?: boolean | undefined;
  /**
   * The start of the view, in bytes; a multiple of the heap's `pageSize`, like mmap's. Default: 0.
   */
  readonly offset?: number | undefined;
  /** The length of the view, in bytes, from 1. Default: the rest of the buffer. */
  readonly length?: number | undefined;
}

/** How a buffer is mapped. */
export interface CheckedVmap {
  readonly populate: boolean;
  readonly readOnly: boolean;
  /** Undefined for the whole buffer. */
  readonly part: BytePart | undefined;
}

export const MAP = 'map the buffer';

/** @throws {TypeError | RangeError} for an invalid option, or a range outside the buffer */
export function readVmapOptions(
  options: VmapOptions,
  buffer: { readonly length: number; readonly pageSize: number; readonly readOnly: boolean },
): CheckedVmap {
  const plain = readOptions(options, MAP, ['populate', 'readOnly', 'offset', 'length']);
  const { populate = false, readOnly = buffer.readOnly, offset = 0, length } = plain;
  checkBoolean(populate, { action: MAP, name: 'populate' });
  checkBoolean(readOnly, { action: MAP, name: 'readOnly' });
  const part = checkPart({ offset, length }, { action: MAP, total: buffer.length, min: 1 });
  if (part.offset % buffer.pageSize !== 0) {
    const must = `be a multiple of the page size, ${buffer.pageSize}`;
    throw outOfRange({ action: MAP, name: 'offset' }, { must, received: part.offset });
  }
  return { populate, readOnly, part: part.length === buffer.length ? undefined : part };
}
