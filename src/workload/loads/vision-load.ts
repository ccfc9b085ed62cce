import { MtkAov } from '../consumers/mtk-aov.ts';
import type { Load, LoadContext } from './load.ts';

/** Always-on vision: one mapping, and copies of events. */
export interface VisionLoad {
  readonly consumer: 'mtk-aov';
}

export async function visionLoad(_description: VisionLoad, { kernel, heap, caller }: LoadContext): Promise<Load> {
  const vision = await MtkAov.start(kernel, heap, { leaksOnFailure: caller === 'as-is' });
  return {
    step: async (index) => {
      vision.readEvent(index);
      await Promise.resolve();
    },
    close: async () => await vision.stop(),
  };
}
