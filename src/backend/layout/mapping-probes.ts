import { isDmaBufError } from '../../base/errors.ts';
import { withCleanup } from '../../base/cleanup.ts';
import type { Address, ByteLength } from '../../base/quantities.ts';
import { parseMappedPages } from '../../linux/tracefs/tracefs-events.ts';
import type { TraceInstance } from '../../linux/tracefs/tracefs-instance.ts';
import type { PfnSource, PfnSlots } from './find-pages.ts';

/**
 * The functions by which exporters map pages that the pagemap does not show (mm/memory.c), and the
 * positions of their arguments.
 */
const PROBES: Readonly<Record<string, string>> = {
  // At the mapping of a buffer: the system heap.
  remap_pfn_range: 'addr=$arg2 pfn=$arg3 size=$arg4',
  // At the first touch of a page: udmabuf, CMA heaps, many graphics drivers. The first function
  // calls the second, on some kernels inlined, where a probe does not see it.
  vmf_insert_pfn: 'addr=$arg2 pfn=$arg3',
  vmf_insert_pfn_prot: 'addr=$arg2 pfn=$arg3',
};

interface ProbedWindow {
  readonly address: Address;
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
}

/** Probes that record the pages mapped over a window. */
export class MappingProbes implements PfnSource {
  readonly recordedBy = new Set<string>();
  /** The functions that this kernel allows to probe. */
  readonly functions: readonly string[];
  readonly #trace: TraceInstance;
  readonly #pageSize: ByteLength;

  /**
   * @param trace becomes the probes' to close
   * @throws {DmaBufError} as the kernel refuses; the trace is closed then
   */
  constructor(trace: TraceInstance, { address, length, pageSize }: ProbedWindow) {
    this.#trace = trace;
    this.#pageSize = pageSize;
    this.functions = withCleanup((cleanup) => {
      cleanup.defer(() => trace.close());
      const functions = addProbes(trace);
      // The address excludes other processes. If one maps at the same address, two reports of a
      // page contradict each other, and the page stays unknown.
      trace.recordProbes(`addr >= ${address} && addr < ${address + length}`);
      return functions;
    });
  }

  record(slots: PfnSlots, address: Address): void {
    const pageSize = this.#pageSize;
    for (const mapped of parseMappedPages(this.#trace.take())) {
      const { length = pageSize } = mapped;
      const first = (mapped.address - address) / pageSize;
      for (let page = 0; page < length / pageSize; page += 1)
        if (slots.record(first + page, mapped.pfn + page)) this.recordedBy.add(`a probe on ${mapped.event}`);
    }
  }

  close(): void {
    this.#trace.close();
  }
}

/** One suffices: some kernels do not allow both. */
function addProbes(trace: TraceInstance): string[] {
  const functions: string[] = [];
  let refusal: unknown;
  for (const [name, fields] of Object.entries(PROBES)) {
    try {
      trace.addProbe(name, `${name} ${fields}`);
      functions.push(name);
    } catch (error) {
      if (!isUnknownFunction(error)) throw error;
      refusal = error;
    }
  }
  if (functions.length === 0) throw refusal;
  return functions;
}

/**
 * The errors of a valid probe on a function that the kernel does not have, or whose arguments it
 * cannot find.
 */
function isUnknownFunction(error: unknown): boolean {
  return isDmaBufError(error) && error.syscall === 'write' && (error.code === 'ENOENT' || error.code === 'EINVAL');
}
