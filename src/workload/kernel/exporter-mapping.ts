import type { BufferView } from '../../heap/view.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { pagesByEntry } from '../../sg/pages-by-entry.ts';
import { pagesByPage } from '../../sg/pages-by-page.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import type { MappingPart } from '../../trace/mapping-event.ts';
import { mapWindow } from './map-window.ts';
import type { MappingWay } from './map-window.ts';

/** How a heap turns its table into pages: as mainline does, or as the patch of April 2026. */
export type Conversion = 'page' | 'entry';

/** What a heap's map function calls that can fail. */
export type ExporterStep = 'vmalloc' | 'vmap';

interface ExporterMappingOptions {
  /** The buffer's. Absent: it cannot be seen here. */
  readonly table: SgTable | undefined;
  readonly conversion: Conversion;
  readonly mapping: MappingWay;
  /** Called before each step. What it throws is that step's failure. */
  readonly beforeCall: (name: ExporterStep) => void;
}

/** A mapping, and what it consisted of. */
export interface ExporterMapping {
  readonly view: BufferView;
  /** As a recording of a kernel has them: the heap's function, and what it called. */
  readonly parts: readonly MappingPart[];
}

/**
 * Maps a buffer as the system heap does (drivers/dma-buf/heaps/system_heap.c, system_heap_do_vmap):
 * an array of pages, the table turned into it, the mapping, the array's end. The kernel's mapping
 * has all its page-table entries when it returns, so all pages are faulted in here too.
 *
 * Where the table is unknown, there is neither array nor conversion: those parts are missing.
 */
export function mapAsExporter(
  buffer: DmaBuf,
  { table, conversion, mapping, beforeCall }: ExporterMappingOptions,
): ExporterMapping {
  const clock = new PartClock(`${exporterOf(buffer)}_heap_vmap`);
  if (table !== undefined) {
    beforeCall('vmalloc');
    const pages = clock.measure('vmalloc', () => new BigUint64Array(table.pageCount));
    convert(table, conversion, pages);
  }
  beforeCall('vmap');
  const view = clock.measure('vmap', () => mapWindow(buffer, mapping));
  return { view, parts: clock.end() };
}

function convert(table: SgTable, conversion: Conversion, out: BigUint64Array): void {
  const walk = conversion === 'entry' ? pagesByEntry : pagesByPage;
  walk(table, { width: 8, out, pages: table.pageCount });
}

/** A name that is part of a function's: `reserved-uncached` has none. */
function exporterOf({ exporter }: DmaBuf): string {
  return exporter.replaceAll(/\W/gu, '_');
}

/** Times a function of the kernel and what it calls. */
class PartClock {
  readonly #name: string;
  readonly #since = process.hrtime.bigint();
  readonly #inner: MappingPart[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  measure<Result>(name: string, body: () => Result): Result {
    const since = process.hrtime.bigint();
    const result = body();
    this.#inner.push({ name, depth: 2, ns: Number(process.hrtime.bigint() - since) });
    return result;
  }

  end(): MappingPart[] {
    return [{ name: this.#name, depth: 1, ns: Number(process.hrtime.bigint() - this.#since) }, ...this.#inner];
  }
}
