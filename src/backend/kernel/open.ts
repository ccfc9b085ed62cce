import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { errnoName, isDmaBufError } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { formatSize } from '../../base/sizes.ts';
import { diagnoseRefusedDevice } from '../../diagnosis/device-access.ts';
import { contiguousHeapNames, isCmaHeapName, meaningOfHeapName } from '../../linux/proc/heap-names.ts';
import { readContiguousBytes, readMachineMemory } from '../../linux/proc/available-memory.ts';
import type { Remedy } from '../../diagnosis/remedy.ts';
import type { OpenResult, OpenRefusal, OpenRequest } from '../open-request.ts';
import { HEAP_FOLDER, KernelHeap } from './heap.ts';
import type { Machine } from '../../linux/machine.ts';

const NO_CONTIGUOUS_AREA: Remedy = {
  commands: [],
  note: 'give the kernel a contiguous area with cma=64M on its command line, and build it with CONFIG_DMABUF_HEAPS_CMA',
};

/**
 * Opens `/dev/dma_heap/<name>`. Where every buffer must be one run, opens a heap whose name says
 * so: the requested one, or else the best that opens.
 */
export function openKernelHeap(request: OpenRequest): OpenResult {
  const names = request.contiguous ? findContiguousHeaps(request) : ([request.name] as const);
  if (!isNameList(names)) return names;
  const [best, ...others] = names;
  const opening = openHeapNamed(best, request);
  if (opening.heap !== undefined) return opening;
  for (const name of others) {
    const next = openHeapNamed(name, request);
    if (next.heap !== undefined) return next;
  }
  return opening;
}

function openHeapNamed(name: string, { largest, calls, machine }: OpenRequest): OpenResult {
  try {
    const heap = new KernelHeap({ name, calls, machine });
    const shortage = largest === undefined ? undefined : findShortage(name, largest, machine);
    if (shortage !== undefined) heap.close();
    return shortage ?? { heap };
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    return refuse(join(HEAP_FOLDER, name), error.code as ErrnoName, machine);
  }
}

/** Why the heap cannot hold a buffer of `largest` bytes, as far as that is known in advance. */
function findShortage(name: string, largest: number, machine: Machine): OpenRefusal | undefined {
  const wanted = `less than the ${formatSize(largest)} of largest`;
  const { bytes } = readMachineMemory(machine);
  if (largest > bytes) return { reason: `the machine has ${formatSize(bytes)} left, ${wanted}` };
  const contiguousBytes = isCmaHeapName(name) ? readContiguousBytes(machine) : undefined;
  if (contiguousBytes === undefined || largest <= contiguousBytes) return undefined;
  return {
    reason: `the machine's contiguous areas have ${formatSize(contiguousBytes)}, ${wanted}`,
    remedy: { commands: [], note: "make them larger with cma= on the kernel's command line" },
  };
}

/** The names in `/dev/dma_heap`, or why they cannot be read. */
export function readHeapNames(machine: Machine): string[] | OpenRefusal {
  try {
    const names = readdirSync(join(machine.root, HEAP_FOLDER)).toSorted();
    return names.length > 0 ? names : refuse(join(HEAP_FOLDER, 'system'), 'ENOENT', machine);
  } catch (error) {
    const code = errnoName(-((error as NodeJS.ErrnoException).errno ?? 0));
    return refuse(code === 'ENOENT' ? join(HEAP_FOLDER, 'system') : HEAP_FOLDER, code, machine);
  }
}

function refuse(path: string, code: ErrnoName, machine: Machine): OpenRefusal {
  return { ...diagnoseRefusedDevice(path, code, machine), code };
}

type NameList = readonly [string, ...string[]];

function isNameList(names: NameList | OpenRefusal): names is NameList {
  return Array.isArray(names);
}

/** The candidates, in order. */
function findContiguousHeaps({ name, machine }: OpenRequest): NameList | OpenRefusal {
  const names = readHeapNames(machine);
  if (!Array.isArray(names)) return names;
  const contiguous = contiguousHeapNames(names);
  // An explicit name is tried even if the CPU may not map the heap's buffers.
  const asked = names.filter((candidate) => candidate === name && meaningOfHeapName(candidate).contiguous);
  const [best, ...others] = [...asked, ...contiguous.filter((candidate) => candidate !== name)];
  if (best !== undefined) return [best, ...others];
  return { reason: `none of the heaps ${names.join(', ')} is contiguous by its name`, remedy: NO_CONTIGUOUS_AREA };
}
