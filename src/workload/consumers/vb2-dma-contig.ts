import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { Vb2DeviceMemory } from './vb2-device-memory.ts';
import type { AttachVb2Memory } from './vb2-queue.ts';

interface Vb2DmaContigOptions {
  /** Whether an IOMMU makes one piece of addresses of scattered pages. Default: true. */
  readonly hasIommu?: boolean;
}

/**
 * videobuf2's memory for devices that take one piece of addresses
 * (drivers/media/common/videobuf2/videobuf2-dma-contig.c). Left out: cache attributes.
 */
export function vb2DmaContig(
  kernel: KernelFunctions,
  driver: string,
  { hasIommu = true }: Vb2DmaContigOptions = {},
): AttachVb2Memory {
  const kind = { driver, vaddrFunction: 'vb2_dc_vaddr', unmapFunction: 'vb2_dc_unmap_dmabuf', needsOneRun: !hasIommu };
  return Vb2DeviceMemory.attach(kernel, kind);
}
