import type { BackendKind } from '../../src/index.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';

/** Every backend that this machine has. */
export function soakableBackends(): BackendKind[] {
  const devices = { kernel: '/dev/dma_heap/system', udmabuf: '/dev/udmabuf' } as const;
  const present = (['kernel', 'udmabuf'] as const).filter((backend) => cannotOpen(devices[backend]) === false);
  return [...present, 'embedded'];
}
