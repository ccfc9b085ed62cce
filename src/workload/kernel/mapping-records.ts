import { isDmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { MappingEvent, MappingPart, TraceModule, UnmappingEvent } from '../../trace/mapping-event.ts';
import type { ExporterMapping } from './exporter-mapping.ts';

/** Where in a driver a call stands: what a stack would tell of it. */
export interface CallSite {
  /** The functions that lead to the call, the innermost first. */
  readonly path: readonly string[];
  /** By the name that the driver registers. */
  readonly driver?: string;
  /** The modules that functions of the path are in. */
  readonly modules?: readonly TraceModule[];
}

type OnRecord = (record: MappingEvent | UnmappingEvent) => void;
type ReportExporter = (mapping: ExporterMapping) => BufferView;

/** Records of mappings and unmappings, in the form that recordings of kernels have. */
export class MappingRecords {
  readonly #onRecord: OnRecord | undefined;
  readonly #since = process.hrtime.bigint();
  readonly #names = new WeakMap<DmaBuf, string>();
  #bufferCount = 0;
  #recordCount = 0;

  constructor(onRecord: OnRecord | undefined) {
    this.#onRecord = onRecord;
  }

  /**
   * Records a mapping by `body`, which reports what the exporter did where it calls it. One that is
   * refused is recorded with its error number, as a kernel's return value is.
   */
  mapping(buffer: DmaBuf, site: CallSite, body: (report: ReportExporter) => BufferView): BufferView {
    let parts: readonly MappingPart[] | undefined;
    const beginning = process.hrtime.bigint();
    const record = (result: number): void =>
      this.#onRecord?.({
        kind: 'mapping',
        ...this.#facts(beginning, buffer),
        path: ['dma_buf_vmap', ...site.path],
        ...(site.driver === undefined ? {} : { driver: site.driver }),
        ...(site.modules === undefined ? {} : { modules: site.modules }),
        sizeBytes: buffer.length,
        exporter: buffer.exporter,
        ...(parts === undefined ? {} : { parts }),
        result,
      });
    try {
      const view = body((mapping) => {
        ({ parts } = mapping);
        return mapping.view;
      });
      record(0);
      return view;
    } catch (error) {
      if (isDmaBufError(error)) record(error.errno);
      throw error;
    }
  }

  unmapping(buffer: DmaBuf, site: CallSite, body: () => void): void {
    const beginning = process.hrtime.bigint();
    body();
    const path = ['dma_buf_vunmap', ...site.path];
    this.#onRecord?.({ kind: 'unmapping', ...this.#facts(beginning, buffer), path });
  }

  /** Records have no text: their number stands for the line. */
  #facts(
    beginning: bigint,
    buffer: DmaBuf,
  ): Pick<UnmappingEvent, 'form' | 'line' | 'time' | 'task' | 'durationNs'> & { readonly buffer: string } {
    this.#recordCount += 1;
    return {
      form: 'replay',
      line: this.#recordCount,
      time: Number(beginning - this.#since) / 1e9,
      task: { pid: process.pid },
      buffer: this.#nameOf(buffer),
      durationNs: Number(process.hrtime.bigint() - beginning),
    };
  }

  /** A name of its own for each buffer, where a kernel's recording has the pointer. */
  #nameOf(buffer: DmaBuf): string {
    const known = this.#names.get(buffer);
    if (known !== undefined) return known;
    this.#bufferCount += 1;
    const name = `buffer-${this.#bufferCount}`;
    this.#names.set(buffer, name);
    return name;
  }
}
