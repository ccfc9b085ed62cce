import { DmaBufError } from '../base/errors.ts';
import { formatSize } from '../base/sizes.ts';
import { formatRemedy } from '../diagnosis/remedy.ts';
import { Heap } from '../heap/heap.ts';
import { createBufferCalls } from './buffer-calls.ts';
import type { BackendKind } from '../heap/backend.ts';
import { EMBEDDED_HEAP_NAME, openCheckedEmbeddedHeap } from './embedded/embedded-heap.ts';
import { openKernelHeap } from './kernel/open.ts';
import { checkHeapName, readOpenHeapOptions } from './open-heap-options.ts';
import type { CheckedOpenHeapOptions, OpenHeapOptions } from './open-heap-options.ts';
import type { OpenResult, OpenRefusal, OpenRequest } from './open-request.ts';
import { findLack } from './requirements.ts';
import { openUdmabufHeap } from './udmabuf/open.ts';
import { Machine } from '../linux/machine.ts';

/**
 * Opens a heap by name, from the first backend that exists on this machine and meets the
 * requirements.
 *
 * @param name of a heap in `/dev/dma_heap`; udmabuf and the embedded heap replace `system`
 * @throws {TypeError} for an unknown backend or option, a value of the wrong kind, or options that
 *   contradict each other
 * @throws {RangeError} for an empty list of backends, an invalid name, or a value out of range
 * @throws {DmaBufError} `ENODEV` when no allowed backend can open the heap; the message gives each
 *   backend's reason and remedy
 *
 * @example
 * ```ts
 * import { MiB, openHeap } from 'dmabuf';
 *
 * const heap = openHeap('system');
 * const buffer = heap.allocate(8 * MiB, { name: 'frame' });
 * await buffer.access('write', (bytes) => bytes.fill(7));
 * console.log(await buffer.access('read', (bytes) => bytes[8 * MiB - 1])); // 7
 * buffer.close();
 * heap.close();
 * ```
 */
export function openHeap(name: string, options?: OpenHeapOptions): Heap;
/** @internal */
export function openHeap(name: string, options: OpenHeapOptions, machine: Machine): Heap;
export function openHeap(name: string, options: OpenHeapOptions = {}, hidden?: unknown): Heap {
  const machine = Machine.hiddenIn(hidden);
  const { heap, passedOver } = chooseHeap(machine, name, options);
  if (heap !== undefined) return heap;
  const reasons = passedOver.map(describe).join('; ');
  throw new DmaBufError(`Cannot open heap "${name}" as ${reasons}`, { code: 'ENODEV', values: { name } });
}

/** A backend that did not open a heap, and why. */
export interface PassedOver extends OpenRefusal {
  readonly backend: BackendKind;
}

/** The opened heap, if any, and the backends that were tried before it. */
interface HeapChoice {
  readonly heap: Heap | undefined;
  readonly passedOver: readonly PassedOver[];
}

/**
 * Tries the backends one after the other, until one opens the heap. Throws as {@link openHeap},
 * except for `ENODEV`. @internal
 */
export function chooseHeap(machine: Machine, name: string, options: OpenHeapOptions = {}): HeapChoice {
  checkHeapName(name);
  const calls = createBufferCalls(machine.raw);
  const checked = readOpenHeapOptions(options, calls.memory.pageSize());
  const { allowed, contiguous, largest } = checked;
  const request: OpenRequest = { name, contiguous, largest, calls, machine };
  const passedOver: PassedOver[] = [];
  for (const kind of allowed) {
    const chosenBecause =
      passedOver.length === 0 ? `it comes first of ${allowed.join(', ')}` : passedOver.map(describe).join('; ');
    const opened = openBackend(kind, { request, checked, chosenBecause });
    if (opened instanceof Heap) return { heap: opened, passedOver };
    passedOver.push({ backend: kind, ...opened });
  }
  return { heap: undefined, passedOver };
}

/** How each backend is opened. */
interface Attempt {
  readonly request: OpenRequest;
  readonly checked: CheckedOpenHeapOptions;
  readonly chosenBecause: string;
}

function openBackend(kind: BackendKind, attempt: Attempt): Heap | OpenRefusal {
  if (kind === 'embedded') return openEmbedded(attempt);
  const { request, checked, chosenBecause } = attempt;
  const opening = findLack(kind, checked) ?? OPENERS[kind](request);
  return opening.heap === undefined ? opening : new Heap(opening.heap, chosenBecause, checked);
}

const OPENERS: Readonly<Record<'kernel' | 'udmabuf', (request: OpenRequest) => OpenResult>> = {
  kernel: openKernelHeap,
  udmabuf: openUdmabufHeap,
};

function openEmbedded({ request, checked, chosenBecause }: Attempt): Heap | OpenRefusal {
  const { embedded } = checked;
  if (request.name !== EMBEDDED_HEAP_NAME) return { reason: `the embedded heap is named "${EMBEDDED_HEAP_NAME}"` };
  const { contiguous, shareable } = embedded;
  const lack = findLack('embedded', { require: checked.require, contiguous, shareable });
  if (lack !== undefined) return lack;
  const { largest } = request;
  const heap = openCheckedEmbeddedHeap(request.machine, embedded, chosenBecause);
  const { capacityBytes = 0 } = heap.stats();
  if (largest === undefined || largest <= capacityBytes) return heap;
  heap.close();
  return {
    reason: `its capacity is ${formatSize(capacityBytes)}, less than the ${formatSize(largest)} of largest`,
    remedy: { commands: [], note: 'give it more with { embedded: { capacity } }' },
  };
}

function describe({ backend, reason, remedy }: PassedOver): string {
  return `${backend}: ${reason}${remedy === undefined ? '' : ` (${formatRemedy(remedy)})`}`;
}
