import { IntelIpuPsys } from '../consumers/intel-ipu-psys.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext } from './load.ts';

/** A processing system that takes several buffers for each frame. */
export interface ProcessingLoad {
  readonly consumer: 'intel-ipu-psys';
  readonly lengthBytes: number;
  readonly bufferCount: number;
  readonly buffersPerFrame: number;
}

export function processingLoad(description: ProcessingLoad, context: LoadContext): Load {
  const { buffersPerFrame } = description;
  const buffers = new BufferSet(context, description);
  const system = new IntelIpuPsys(context.kernel, { mapsImported: context.caller === 'as-is' });
  return {
    step: async (index) => {
      const frame = Array.from({ length: buffersPerFrame }, (_, place) => buffers.at(index * buffersPerFrame + place));
      for (const buffer of frame) await system.mapBuffer(buffer);
      for (const buffer of frame) await system.unmapBuffer(buffer);
    },
    close: async () => await Promise.resolve(buffers.close()),
  };
}
