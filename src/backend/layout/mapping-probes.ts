import { isDmaBufError } from '../../base/errors.ts';
import { withCleanup } from '../../base/cleanup.ts';
import type { Address, ByteLength } from '../../base/quantities.ts';
import { parseMappedPages } from '../../linux/tracefs-events.ts';
import type { TraceInstance } from '../../linux/tracefs-instance.ts';
import type { PfnSource } from './find-pages.ts';
import type { PfnSlots } from './pfn-slots.ts';

/** The functions by which exporters map pages that the pagemap does not show (mm/memory.c), and where in their arguments is what. */
const PROBES: Readonly<Record<string, string>> = {
  // When a buffer is mapped: the system heap.
  remap_pfn_range: 'addr=$arg2 pfn=$arg3 size=$arg4',
  // When a page is touched: udmabuf, CMA heaps, many graphics drivers. The first calls the second, on some kernels out of a probe's sight.
  vmf_insert_pfn: 'addr=$arg2 pfn=$arg3',
  vmf_insert_pfn_prot: 'addr=$arg2 pfn=$arg3',
};

interface ProbedWindow {
  readonly address: Address;
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
}

/** Probes that record which pages are mapped over a window. */
export class MappingProbes implements PfnSource {
  readonly tellers = new Set<string>();
  /** Those that this kernel lets be probed. */
  readonly functions: readonly string[];
  readonly #trace: TraceInstance;
  readonly #pageSize: ByteLength;

  /**
   * @param trace which it closes
   * @throws {DmaBufError} as the kernel refuses; the trace is closed then
   */
  constructor(trace: TraceInstance, { address, length, pageSize }: ProbedWindow) {
    this.#trace = trace;
    this.#pageSize = pageSize;
    this.functions = withCleanup((cleanup) => {
      cleanup.defer(() => trace.close());
      const functions = addProbes(trace);
      // No other process's: none has this memory here while we do, or else two tell of the same page.
      trace.recordProbes(`addr >= ${address} && addr < ${address + length}`);
      return functions;
    });
  }

  tell(slots: PfnSlots, address: Address): void {
    const pageSize = this.#pageSize;
    for (const mapped of parseMappedPages(this.#trace.take())) {
      const { length = pageSize } = mapped;
      const first = (mapped.address - address) / pageSize;
      for (let page = 0; page < length / pageSize; page += 1)
        if (slots.tell(first + page, mapped.pfn + page)) this.tellers.add(`a probe on ${mapped.event}`);
    }
  }

  close(): void {
    this.#trace.close();
  }
}

/** One suffices: not every kernel lets each be probed. */
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

/** What the kernel says of a probe that it understands, but has no such function for, or none whose arguments it can find. */
function isUnknownFunction(error: unknown): boolean {
  return isDmaBufError(error) && error.syscall === 'write' && (error.code === 'ENOENT' || error.code === 'EINVAL');
}
