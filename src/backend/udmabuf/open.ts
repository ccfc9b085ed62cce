import { isDmaBufError } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { formatSize } from '../../base/sizes.ts';
import { explainRefusedDevice } from '../../linux/device-access.ts';
import { UDMABUF_DEVICE } from '../memfd-buffer.ts';
import type { Opening, OpeningRefusal, OpeningRequest } from '../opening.ts';
import { UdmabufHeap } from './heap.ts';
import { readUdmabufLimit } from './limit.ts';

/** The names under which the heap goes: that of the device, and that of the kernel's heap which it stands in for. */
const UDMABUF_HEAP_NAMES: readonly string[] = ['udmabuf', 'system'];

/** Opens `/dev/udmabuf` as a heap. */
export function openUdmabufHeap({ name, contiguous, largest, calls, root }: OpeningRequest): Opening {
  if (!UDMABUF_HEAP_NAMES.includes(name)) return { reason: `its heap is named ${UDMABUF_HEAP_NAMES.join(' or ')}` };
  if (contiguous) return { reason: 'its pages are those of a memfd, which lie anywhere' };
  try {
    const heap = new UdmabufHeap({ name, calls, root });
    const shortage = largest === undefined ? undefined : findShortage(largest, root);
    if (shortage !== undefined) heap.close();
    return shortage ?? { heap };
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    return explainRefusedDevice(UDMABUF_DEVICE, error.code as ErrnoName, root);
  }
}

function findShortage(largest: number, root: string): OpeningRefusal | undefined {
  const { bytes, remedy } = readUdmabufLimit(root);
  if (largest <= bytes) return undefined;
  return {
    reason: `a udmabuf holds at most ${formatSize(bytes)}, less than the ${formatSize(largest)} of largest`,
    remedy,
  };
}
