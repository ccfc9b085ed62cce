import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { Vb2DeviceMemory } from './vb2-device-memory.ts';
import type { AttachVb2Memory } from './vb2-queue.ts';

/**
 * videobuf2's memory for devices that take a table
 * (drivers/media/common/videobuf2/videobuf2-dma-sg.c). Left out: pages of its own and of users.
 */
export function vb2DmaSg(kernel: KernelFunctions, driver: string): AttachVb2Memory {
  const kind = {
    driver,
    vaddrFunction: 'vb2_dma_sg_vaddr',
    unmapFunction: 'vb2_dma_sg_unmap_dmabuf',
    needsOneRun: false,
  };
  return Vb2DeviceMemory.attach(kernel, kind);
}
