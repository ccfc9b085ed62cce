import { CheckedCalls } from '../../../src/linux/calls/checked-calls.ts';
import type { OwnedFd } from '../../../src/linux/calls/fd.ts';
import { DMA_HEAP_IOCTL_ALLOC, dmaHeapAllocationData } from '../../../src/uapi/dma-heap.ts';
import { O_CLOEXEC, O_RDONLY } from '../../../src/uapi/fcntl.ts';

class ReadOnlyHeap extends CheckedCalls {
  allocate(length: number): OwnedFd {
    const heap = this.own(this.checked('open', this.raw.open('/dev/dma_heap/system', O_RDONLY | O_CLOEXEC)));
    const argument = dmaHeapAllocationData.write({ len: length, fdFlags: O_RDONLY | O_CLOEXEC });
    this.checked('ioctl', this.raw.ioctl(heap.borrow(), DMA_HEAP_IOCTL_ALLOC, argument));
    heap.close();
    return this.own(dmaHeapAllocationData.read(argument).fd);
  }
}

/** A dma-buf as a heap returns it for a read-only request. */
export function openReadOnlyHeapBuffer(length: number): OwnedFd {
  return new ReadOnlyHeap().allocate(length);
}
