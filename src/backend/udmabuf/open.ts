import { isDmaBufError } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { formatSize } from '../../base/sizes.ts';
import { diagnoseRefusedDevice } from '../../diagnosis/device-access.ts';
import { UDMABUF_DEVICE } from '../fd-buffer/memfd-buffer.ts';
import type { OpenResult, OpenRefusal, OpenRequest } from '../open-request.ts';
import { UdmabufHeap } from './heap.ts';
import { readUdmabufLimit } from './limit.ts';
import type { Machine } from '../../linux/machine.ts';

/** The heap's names: that of the device, and that of the kernel's heap which it replaces. */
const UDMABUF_HEAP_NAMES: readonly string[] = ['udmabuf', 'system'];

/** Opens `/dev/udmabuf` as a heap. */
export function openUdmabufHeap({ name, contiguous, largest, calls, machine }: OpenRequest): OpenResult {
  if (!UDMABUF_HEAP_NAMES.includes(name)) return { reason: `its heap is named ${UDMABUF_HEAP_NAMES.join(' or ')}` };
  if (contiguous) return { reason: 'its pages are those of a memfd, which lie anywhere' };
  try {
    const heap = new UdmabufHeap({ name, calls, machine });
    const shortage = largest === undefined ? undefined : findShortage(largest, machine);
    if (shortage !== undefined) heap.close();
    return shortage ?? { heap };
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    const code = error.code as ErrnoName;
    return { ...diagnoseRefusedDevice(UDMABUF_DEVICE, code, machine), code };
  }
}

function findShortage(largest: number, machine: Machine): OpenRefusal | undefined {
  const { bytes, remedy } = readUdmabufLimit(machine);
  if (largest <= bytes) return undefined;
  return {
    reason: `a udmabuf holds at most ${formatSize(bytes)}, less than the ${formatSize(largest)} of largest`,
    remedy: { commands: [], note: remedy },
  };
}
