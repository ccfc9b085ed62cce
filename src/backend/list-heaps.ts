import { isDmaBufError } from '../base/errors.ts';
import { formatSize } from '../base/sizes.ts';
import { describeHeapName, meaningOfHeapName } from '../linux/proc/heap-names.ts';
import { formatRemedy } from '../diagnosis/remedy.ts';
import { createBufferCalls } from './buffer-calls.ts';
import type { BackendKind, HeapInfo } from '../heap/backend.ts';
import { EMBEDDED_HEAP_NAME, openEmbeddedHeap } from './embedded/embedded-heap.ts';
import { openKernelHeap, readHeapNames } from './kernel/open.ts';
import type { OpenRefusal, OpenRequest } from './open-request.ts';
import { openUdmabufHeap } from './udmabuf/open.ts';
import { readUdmabufLimit } from './udmabuf/limit.ts';
import { Machine } from '../linux/machine.ts';

/** A heap that was opened for a moment, or the reason why not. */
export interface HeapProbe {
  readonly name: string;
  readonly backend: BackendKind;
  /** A description: a clause. */
  readonly what: string;
  /** Undefined for a heap that opens. */
  readonly refusal: OpenRefusal | undefined;
  /** It stands for all heaps of the kernel, where this process has access to none. */
  readonly isAbsence: boolean;
}

/**
 * The heaps of this machine: every `/dev/dma_heap/*`, `/dev/udmabuf`, and the embedded one, each
 * with its availability and the reason if it is missing. Opens each for a moment to see.
 *
 * @example
 * ```ts
 * import { listHeaps } from 'dmabuf';
 *
 * const embedded = listHeaps().find(({ backend }) => backend === 'embedded');
 * console.log(embedded?.name, embedded?.available); // system true
 * ```
 */
export function listHeaps(): HeapInfo[];
/** @internal */
export function listHeaps(machine: Machine): HeapInfo[];
export function listHeaps(hidden?: unknown): HeapInfo[] {
  return probeHeaps(Machine.hiddenIn(hidden)).map(toListing);
}

/** Opens each heap of this machine as `openHeap` would, and closes it at once. */
export function probeHeaps(machine: Machine): HeapProbe[] {
  return [...probeKernelHeaps(machine), probeUdmabuf(machine), probeEmbedded(machine)];
}

/** The heap in its public form. */
function toListing({ name, backend, what, refusal }: HeapProbe): HeapInfo {
  const { contiguous, uncached, below4GiB, cpuMappable } = meaningOfHeapName(name);
  return {
    name,
    backend,
    available: refusal === undefined,
    reason: refusal?.reason ?? what,
    ...(refusal?.remedy === undefined ? {} : { remedy: formatRemedy(refusal.remedy) }),
    contiguous,
    uncached,
    below4GiB,
    cpuMappable,
  };
}

function probeKernelHeaps(machine: Machine): HeapProbe[] {
  const names = readHeapNames(machine);
  const backend = 'kernel';
  if (!Array.isArray(names)) {
    const what = describeHeapName(EMBEDDED_HEAP_NAME);
    return [{ name: EMBEDDED_HEAP_NAME, backend, what, refusal: names, isAbsence: true }];
  }
  return names.map((name) => ({
    name,
    backend,
    what: describeHeapName(name),
    refusal: refusalOf(openKernelHeap(requestFor(name, machine))),
    isAbsence: false,
  }));
}

function probeUdmabuf(machine: Machine): HeapProbe {
  const name = 'udmabuf';
  return {
    name,
    backend: 'udmabuf',
    what: `dma-bufs over sealed memfds, of up to ${formatSize(readUdmabufLimit(machine).bytes)} each`,
    refusal: refusalOf(openUdmabufHeap(requestFor(name, machine))),
    isAbsence: false,
  };
}

function probeEmbedded(machine: Machine): HeapProbe {
  return {
    name: EMBEDDED_HEAP_NAME,
    backend: 'embedded',
    what: 'pages of a sealed memfd in this process, allocated as the kernel does',
    refusal: refusalOfEmbedded(machine),
    isAbsence: false,
  };
}

function refusalOfEmbedded(machine: Machine): OpenRefusal | undefined {
  try {
    openEmbeddedHeap({}, machine).close();
    return undefined;
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    return { reason: error.message };
  }
}

function requestFor(name: string, machine: Machine): OpenRequest {
  return { name, contiguous: false, largest: undefined, calls: createBufferCalls(machine.raw), machine };
}

function refusalOf(opening: ReturnType<typeof openKernelHeap>): OpenRefusal | undefined {
  if (opening.heap === undefined) return opening;
  opening.heap.close();
  return undefined;
}
