import { createBufferCalls } from '../backend/buffer-calls.ts';
import { openKernelHeap } from '../backend/kernel/open.ts';
import { checkHeapName } from '../backend/open-heap-options.ts';
import type { OpenRefusal, OpenRequest, OpenResult } from '../backend/open-request.ts';
import { openUdmabufHeap } from '../backend/udmabuf/open.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import type { ByteLength } from '../base/quantities.ts';
import { formatRemedy } from '../diagnosis/remedy.ts';
import type { BackendHeap } from '../heap/backend.ts';
import { Heap } from '../heap/heap.ts';
import type { RawCalls } from '../linux/calls/kernel-calls.ts';
import { Machine } from '../linux/machine.ts';
import { fragmentMemory } from './fragmented-memory.ts';
import type { MeasuredBuffer } from './measured-buffer.ts';
import type { ReportProgress } from './vmap-job.ts';
import { RecordingHeap } from './recording-heap.ts';
import { wayThroughProcess } from './way-through-process.ts';

/** The backends whose heaps belong to the machine, not to this process. */
type MachineBackend = 'kernel' | 'udmabuf';

/** A heap of the machine. */
export interface MachineHeapName {
  readonly backend: MachineBackend;
  readonly name: string;
}

/** The properties of a buffer of the machine. */
interface MachineBufferOptions extends MachineHeapName {
  /** In whole pages. */
  readonly length: ByteLength;
  /** Whether the machine's memory is fragmented first. */
  readonly fragmented: boolean;
  readonly raw: RawCalls;
  readonly onProgress: ReportProgress;
}

const OPENERS: Readonly<Record<MachineBackend, (request: OpenRequest) => OpenResult>> = {
  kernel: openKernelHeap,
  udmabuf: openUdmabufHeap,
};

/**
 * Allocates a buffer from the given heap of the machine only. Traces the allocation, so that its
 * entries are known where this process may trace.
 *
 * @throws {RangeError} for an invalid name
 * @throws {DmaBufError} `ENODEV` for a heap that does not open, `ENOMEM` for a buffer that it
 *   cannot hold: with the reason and the remedy; the errors of {@link fragmentMemory}
 */
export function allocateMachineBuffer(options: MachineBufferOptions): MeasuredBuffer {
  const { backend, name, length, onProgress } = options;
  const recording = new RecordingHeap(openMachineHeap(options));
  const heap = new Heap(recording, 'it was asked for');
  return withCleanup((cleanup) => {
    cleanup.defer(() => heap.close());
    if (options.fragmented) onProgress('fragment the memory', 0, 1);
    const fragmented = options.fragmented ? fragmentMemory(length) : undefined;
    cleanup.defer(() => fragmented?.close());
    const buffer = heap.allocate(length, { name: 'main job', shareable: true, traceLayout: true });
    cleanup.defer(() => buffer.close());
    const { pageSize, fd } = recording.allocated.source;
    const pages = Uint32Array.from({ length: length / pageSize }, (_, page) => page);
    const steps = [() => buffer.close(), () => fragmented?.close(), () => heap.close()];
    return {
      heap: { name, backend, chosenBecause: heap.chosenBecause, orders: undefined, arenaPageCount: undefined },
      heldBytes: fragmented?.heldBytes,
      buffer,
      layout: buffer.layout(),
      mapping: recording.mapping,
      filePages: { fd, pages, pageSize, joined: backend === 'udmabuf' },
      secondWay: wayThroughProcess(buffer, pageSize),
      close: () => runAllSteps(steps, 'The buffer and what it came from could not be closed'),
    };
  });
}

/**
 * Opens the given heap of the machine, and no other.
 *
 * @throws {RangeError} for an invalid name
 * @throws {DmaBufError} `ENODEV` for a heap that does not open, with the reason and the remedy
 */
export function openMachineHeap({ backend, name, raw }: MachineHeapName & { readonly raw: RawCalls }): BackendHeap {
  checkHeapName(name);
  const calls = createBufferCalls(raw);
  const machine = new Machine({ raw });
  const opened = OPENERS[backend]({ name, contiguous: false, largest: undefined, calls, machine });
  if (opened.heap === undefined) throw explainRefusal({ backend, name }, opened);
  return opened.heap;
}

function explainRefusal({ backend, name }: MachineHeapName, { reason, remedy }: OpenRefusal): DmaBufError {
  const what = remedy === undefined ? '' : `: ${formatRemedy(remedy)}`;
  return new DmaBufError(
    `Cannot open heap "${name}" of backend ${backend} as ${reason}${what}; "dmabuf heaps" lists what there is`,
    {
      code: 'ENODEV',
      values: { name, backend },
    },
  );
}
