import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { parseAllocatedPages, parseMarkingThread } from '../../linux/tracefs/tracefs-events.ts';
import type { AllocatedPages } from '../../linux/tracefs/tracefs-events.ts';
import type { TraceInstance } from '../../linux/tracefs/tracefs-instance.ts';
import { SgTable } from '../../sg/sg-table.ts';
import type { BufferLayout } from '../../heap/backend.ts';
import { explainTracingFailure, openTrace } from '../../diagnosis/open-trace.ts';
import type { TraceContext } from '../../diagnosis/open-trace.ts';
import type { Machine } from '../../linux/machine.ts';

type UnknownLayout = Extract<BufferLayout, { known: false }>;

const EVENT = 'kmem/mm_page_alloc';
const MARK = 'dmabuf asks which thread it is';
/** An event takes 48 bytes of a trace, and there is one per entry. */
const EVENT_BYTES = 48;
const TRACE_BYTES_MIN = 64 * 1024;
/** Per CPU. Holds 87,000 events: 340 MiB of single pages, or anything larger in larger pieces. */
const TRACE_BYTES_MAX = 4 * 1024 * 1024;

interface TracedAllocation extends TraceContext {
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
}

/**
 * Runs `allocate`, which allocates one buffer from a kernel heap. Derives the buffer's entries from
 * the pages that the page allocator gave this thread meanwhile
 * (drivers/dma-buf/heaps/system_heap.c, alloc_largest_available: `GFP_HIGHUSER | __GFP_ZERO`). If
 * tracing is refused or fails, only the layout is unknown.
 *
 * @throws what `allocate` throws; tracing has ended then
 */
export function traceAllocation<Value>(
  traced: TracedAllocation,
  allocate: () => Value,
): { readonly value: Value; readonly layout: BufferLayout } {
  const { machine, length, pageSize } = traced;
  const bufferBytes = Math.min(TRACE_BYTES_MAX, TRACE_BYTES_MIN + (length / pageSize) * EVENT_BYTES);
  const tracing = openTrace(traced, { bufferBytes }, startRecording);
  if ('refusal' in tracing) return { value: allocate(), layout: { known: false, ...tracing.refusal } };
  const trace = tracing.opened;
  try {
    const value = allocate();
    return { value, layout: attempt(machine, () => finishRecording(trace, traced)) };
  } catch (error) {
    attempt(machine, () => trace.close());
    throw error;
  }
}

function startRecording(trace: TraceInstance): TraceInstance {
  return withCleanup((cleanup) => {
    cleanup.defer(() => trace.close());
    // Threads of a container have other ids inside it: the trace gives the kernel's id of this one.
    trace.mark(MARK);
    const thread = parseMarkingThread(trace.take(), MARK);
    if (thread === undefined) throw new DmaBufError('Cannot trace as nothing comes into the trace', { code: 'EIO' });
    trace.record(EVENT, `common_pid == ${thread}`);
    return trace;
  });
}

function finishRecording(trace: TraceInstance, traced: TracedAllocation): BufferLayout {
  return withCleanup((cleanup) => {
    cleanup.defer(() => trace.close());
    trace.stopRecording(EVENT);
    const layout = toLayout(parseAllocatedPages(trace.take()).filter(isBuffers), traced);
    cleanup.unwind();
    return layout;
  });
}

/**
 * Excludes page faults of this thread, whose pages are movable, and the kernel's own allocations,
 * which are not from high memory.
 */
function isBuffers({ flags }: AllocatedPages): boolean {
  const fromHighMemory = flags.includes('GFP_HIGHUSER') || flags.includes('__GFP_HIGHMEM');
  return fromHighMemory && flags.includes('__GFP_ZERO') && !flags.includes('__GFP_MOVABLE');
}

function toLayout(chunks: readonly AllocatedPages[], { length, pageSize }: TracedAllocation): BufferLayout {
  const tracedBytes = chunks.reduce((sum, { order }) => sum + 2 ** order * pageSize, 0);
  if (tracedBytes !== length) {
    const reason = `of ${length} bytes the page allocator was seen to give ${tracedBytes}: its heap has pages of its own, or events were lost`;
    return { known: false, reason };
  }
  const table = SgTable.fromChunks({
    pfns: chunks.map(({ pfn }) => pfn),
    orders: chunks.map(({ order }) => order),
    pageSize,
  });
  return { known: true, table, source: 'the trace of its allocation (kmem:mm_page_alloc)' };
}

function attempt<Result>(machine: Machine, body: () => Result): Result | UnknownLayout {
  try {
    return body();
  } catch (error) {
    return { known: false, ...explainTracingFailure(error, machine) };
  }
}
