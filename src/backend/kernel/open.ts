import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { isDmaBufError } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { formatSize } from '../../base/sizes.ts';
import { explainRefusedDevice } from '../../linux/device-access.ts';
import { readContiguousBytes, readMachineRoom } from '../../linux/memory-room.ts';
import { contiguousHeapNames, isCmaHeapName } from '../heap-names.ts';
import type { Opening, OpeningRefusal, OpeningRequest } from '../opening.ts';
import { HEAP_FOLDER, KernelHeap } from './heap.ts';

const NO_CONTIGUOUS_AREA =
  'give the kernel a contiguous area with cma=64M on its command line, and build it with CONFIG_DMABUF_HEAPS_CMA';

/** Opens `/dev/dma_heap/<name>`; where every buffer is to be one run, one whose name says so: that asked for, else the best that opens. */
export function openKernelHeap(request: OpeningRequest): Opening {
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

function openHeapNamed(name: string, { largest, calls, root }: OpeningRequest): Opening {
  try {
    const heap = new KernelHeap({ name, calls, root });
    const shortage = largest === undefined ? undefined : findShortage(name, largest, root);
    if (shortage !== undefined) heap.close();
    return shortage ?? { heap };
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    return explainRefusedDevice(join(HEAP_FOLDER, name), error.code as ErrnoName, root);
  }
}

/** Why the heap cannot hold a buffer of `largest` bytes, as far as that can be told before. */
function findShortage(name: string, largest: number, root: string): OpeningRefusal | undefined {
  const wanted = `less than the ${formatSize(largest)} of largest`;
  const { bytes } = readMachineRoom(root);
  if (largest > bytes) return { reason: `the machine has ${formatSize(bytes)} left, ${wanted}` };
  const contiguousBytes = isCmaHeapName(name) ? readContiguousBytes(root) : undefined;
  if (contiguousBytes === undefined || largest <= contiguousBytes) return undefined;
  return {
    reason: `the machine's contiguous areas have ${formatSize(contiguousBytes)}, ${wanted}`,
    remedy: "make them larger with cma= on the kernel's command line",
  };
}

/** The names in `/dev/dma_heap`, or why they cannot be read. `root`: where `/dev` is found. */
export function readHeapNames(root: string): string[] | OpeningRefusal {
  try {
    const names = readdirSync(join(root, HEAP_FOLDER)).toSorted();
    return names.length > 0 ? names : explainRefusedDevice(join(HEAP_FOLDER, 'system'), 'ENOENT', root);
  } catch (error) {
    const { code = 'EIO' } = error as { readonly code?: ErrnoName };
    return explainRefusedDevice(HEAP_FOLDER, code, root);
  }
}

type NameList = readonly [string, ...string[]];

function isNameList(names: NameList | OpeningRefusal): names is NameList {
  return Array.isArray(names);
}

/** In the order in which they are to be tried. */
function findContiguousHeaps({ name, root }: OpeningRequest): NameList | OpeningRefusal {
  const names = readHeapNames(root);
  if (!Array.isArray(names)) return names;
  const contiguous = contiguousHeapNames(names);
  const asked = contiguous.filter((candidate) => candidate === name);
  const [best, ...others] = [...asked, ...contiguous.filter((candidate) => candidate !== name)];
  if (best !== undefined) return [best, ...others];
  return { reason: `none of the heaps ${names.join(', ')} is contiguous by its name`, remedy: NO_CONTIGUOUS_AREA };
}
