/**
 * The format of events in a trace's text (Documentation/trace/ftrace.rst). The fields after the
 * event's name are the event's own.
 */

/** Pages that a mapping received: from `pfn` on, at the addresses from `address` on. */
interface MappedPages {
  /** The event's name. */
  readonly event: string;
  readonly address: number;
  readonly pfn: number;
  /** In bytes; undefined for a single page. */
  readonly length: number | undefined;
}

/**
 * Events of probes that record `addr`, `pfn` and possibly `size`, all in hexadecimal as probes do.
 */
export function* parseMappedPages(text: string): Generator<MappedPages, void, undefined> {
  const pattern = /: (\w+): \(\S+\) addr=0x([0-9a-f]+) pfn=0x([0-9a-f]+)(?: size=0x([0-9a-f]+))?$/gmu;
  for (const [, event = '', address = '', pfn = '', length] of text.matchAll(pattern)) {
    yield {
      event,
      address: Number.parseInt(address, 16),
      pfn: Number.parseInt(pfn, 16),
      length: length === undefined ? undefined : Number.parseInt(length, 16),
    };
  }
}

/** 2^order pages from the page allocator. */
export interface AllocatedPages {
  readonly pfn: number;
  readonly order: number;
  /** Their names in include/trace/events/mmflags.h: `GFP_HIGHUSER`, `__GFP_ZERO`, … */
  readonly flags: readonly string[];
}

/** Events `kmem:mm_page_alloc` (include/trace/events/kmem.h) of successful allocations. */
export function parseAllocatedPages(text: string): AllocatedPages[] {
  // The pfn is decimal before 5.15.
  const pattern = /: mm_page_alloc: page=\S+ pfn=(0x[0-9a-f]+|\d+) order=(\d+) .*?gfp_flags=(\S+)$/gmu;
  return [...text.matchAll(pattern)]
    .map(([, pfn, order, flags = '']) => ({ pfn: Number(pfn), order: Number(order), flags: flags.split('|') }))
    .filter(({ pfn }) => pfn !== 0);
}

/** The thread that wrote `mark` into the trace, by its id in the initial pid namespace. */
export function parseMarkingThread(text: string, mark: string): number | undefined {
  // command-thread [processor] flags time: event: text. The command is any string of up to 15
  // bytes.
  const line = text.split('\n').find((line) => line.endsWith(`: tracing_mark_write: ${mark}`));
  const thread = /^.*-(\d+) +(?:\([ \d-]+\) +)?\[\d+\]/u.exec(line ?? '')?.[1];
  return thread === undefined ? undefined : Number(thread);
}
