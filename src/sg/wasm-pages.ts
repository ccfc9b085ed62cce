import { types } from 'node:util';

import { assert } from '../base/assert.ts';
import { WASM_MEMORY_BYTES_MAX, WASM_PAGE_BYTES } from '../base/limits.ts';
import { PAGES_BY_ENTRY_WASM_BASE64 } from './pages-by-entry-wasm.generated.ts';
import type { SgTable } from './sg-table.ts';

/**
 * The used part of WebAssembly: TypeScript declares it only in the browser's library. `node
 * --jitless` does not have it.
 */
declare const WebAssembly:
  | {
      validate(bytes: Uint8Array): boolean;
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Memory: new (descriptor: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
      readonly Instance: new (module: object, imports: object) => { readonly exports: object };
    }
  | undefined;

/** The functions of assembly/pages-by-entry.ts. Addresses are offsets into the memory. */
interface PagesByEntryModule {
  fillPfns(pfns: number, pageCounts: number, entryCount: number, out: number): number;
  // oxlint-disable-next-line max-params -- the calling convention of the module
  fillAddresses(pfns: number, pageCounts: number, entryCount: number, out: number, pageShift: number): number;
}

/**
 * Entries are passed to the module in blocks. So its memory does not grow with the table, and a
 * block is still in the first cache when the module reads it. 1,024 to 8,192 entries measure alike.
 */
const BLOCK_ENTRIES = 4096;
const PFNS_OFFSET = 0;
const PAGE_COUNTS_OFFSET: number = PFNS_OFFSET + BLOCK_ENTRIES * Uint32Array.BYTES_PER_ELEMENT;
const OUTPUT_OFFSET: number = PAGE_COUNTS_OFFSET + BLOCK_ENTRIES * Uint32Array.BYTES_PER_ELEMENT;

/** The module stores whole vectors: this much after the last page is overwritten, then put back. */
const OVERRUN_BYTES = 16;
/** The module reads ahead of where it writes, by 1 KiB, in steps of 64 bytes. */
const SLACK_BYTES = 4096;

assert(OUTPUT_OFFSET % 64 === 0, 'The output must begin on a cache line, as the steps of the module do');

function decodeModule(): Uint8Array {
  return Buffer.from(PAGES_BY_ENTRY_WASM_BASE64, 'base64');
}

/** Memory that holds one output array, and an instance of the module that writes to it. */
export class WasmPages {
  /** The longest output in bytes that fits into a WebAssembly memory. */
  static readonly outputBytesMax: number = WASM_MEMORY_BYTES_MAX - OUTPUT_OFFSET - SLACK_BYTES;

  /** Where the output begins in `buffer`. */
  readonly outputOffset: number = OUTPUT_OFFSET;
  readonly buffer: ArrayBuffer;
  readonly #module: PagesByEntryModule;
  readonly #pfns: Uint32Array;
  readonly #pageCounts: Uint32Array;
  readonly #bytes: Uint8Array;

  private constructor(buffer: ArrayBuffer, module: PagesByEntryModule) {
    this.buffer = buffer;
    this.#module = module;
    this.#pfns = new Uint32Array(buffer, PFNS_OFFSET, BLOCK_ENTRIES);
    this.#pageCounts = new Uint32Array(buffer, PAGE_COUNTS_OFFSET, BLOCK_ENTRIES);
    this.#bytes = new Uint8Array(buffer);
  }

  /**
   * Memory for `outputBytes`; undefined where SIMD is missing or no address space is left for a
   * memory.
   */
  static open(outputBytes: number): WasmPages | undefined {
    assert(outputBytes <= WasmPages.outputBytesMax, 'The output must fit into a WebAssembly memory');
    const code = decodeModule();
    if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(code)) return undefined;
    const pages = Math.ceil((OUTPUT_OFFSET + outputBytes + SLACK_BYTES) / WASM_PAGE_BYTES);
    try {
      // Of fixed size: growing would detach the arrays that callers hold.
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
      // Compiled each time, in 14 us: the engine shares the machine code of equal modules, so
      // caching a module gains nothing.
      const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } });
      return new WasmPages(memory.buffer, instance.exports as PagesByEntryModule);
    } catch (error) {
      // Recognized by name: Jest has one realm's WebAssembly and another's RangeError.
      if (types.isNativeError(error) && error.name === 'RangeError') return undefined;
      throw error;
    }
  }

  /** Writes the pages of a table whose pfns fit 32 bits. */
  fill(table: SgTable, width: 4 | 8): void {
    const { pfns, pageCounts } = table.columns;
    const end = OUTPUT_OFFSET + table.pageCount * width;
    assert(types.isUint32Array(pfns), 'The pfns must fit 32 bits');
    assert(end + SLACK_BYTES <= this.#bytes.length, 'The pages must fit into the memory');
    const overrun = this.#bytes.slice(end, end + OVERRUN_BYTES);
    const pageShift = Math.log2(table.pageSize);
    let out = OUTPUT_OFFSET;
    for (let first = 0; first < pfns.length; first += BLOCK_ENTRIES) {
      const count = Math.min(BLOCK_ENTRIES, pfns.length - first);
      this.#pfns.set(pfns.subarray(first, first + count));
      this.#pageCounts.set(pageCounts.subarray(first, first + count));
      out =
        width === 4
          ? this.#module.fillPfns(PFNS_OFFSET, PAGE_COUNTS_OFFSET, count, out)
          : this.#module.fillAddresses(PFNS_OFFSET, PAGE_COUNTS_OFFSET, count, out, pageShift);
    }
    this.#bytes.set(overrun, end);
    // The module's result is negative beyond 2^31.
    assert(out >>> 0 === end, 'The module must write every page');
  }
}
