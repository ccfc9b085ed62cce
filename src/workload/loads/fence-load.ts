import { retireTaskOfPva } from '../consumers/nvidia-pva.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext } from './load.ts';

/** Tasks that end with semaphores in buffers. */
export interface FenceLoad {
  readonly consumer: 'nvidia-pva';
  readonly lengthBytes: number;
  readonly bufferCount: number;
  /** Of a task: 1 or more. */
  readonly fenceCount: number;
}

/** The leak of the first versions is no load: it would end in no memory. */
export function fenceLoad(description: FenceLoad, context: LoadContext): Load {
  const buffers = new BufferSet(context, description);
  return {
    step: async (index) => {
      const fences = Array.from({ length: description.fenceCount }, (_, fence) => ({
        buffer: buffers.at(index + fence),
        offset: 4 * fence,
        value: index,
      }));
      await retireTaskOfPva(context.kernel, fences);
    },
    close: async () => await Promise.resolve(buffers.close()),
  };
}
