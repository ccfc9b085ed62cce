import { MtkCamera } from '../consumers/mtk-camera.ts';
import type { MtkCameraBuffer } from '../consumers/mtk-camera.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext, SlotPolicy } from './load.ts';

/** A node of the camera: what its buffers hold, and how large they are. */
export interface CameraNode {
  readonly name: string;
  readonly kind: MtkCameraBuffer['kind'];
  readonly lengthBytes: number;
}

/** An ISP camera: a request queues one buffer of each node. */
export interface IspCameraLoad {
  readonly consumer: 'mtk-camera';
  readonly nodes: readonly CameraNode[];
  readonly bufferCount: number;
  readonly slots: SlotPolicy;
}

export function ispCameraLoad({ nodes, bufferCount, slots }: IspCameraLoad, context: LoadContext): Load {
  const sets: { readonly node: CameraNode; readonly buffers: BufferSet }[] = [];
  const closeSets = (): void => sets.forEach(({ buffers }) => buffers.close());
  try {
    for (const node of nodes)
      sets.push({ node, buffers: new BufferSet(context, { lengthBytes: node.lengthBytes, bufferCount, slots }) });
  } catch (error) {
    closeSets();
    throw error;
  }
  const camera = new MtkCamera(context.kernel, {
    slotCount: bufferCount,
    mapsBeforeFormatTest: context.caller === 'as-is',
  });
  return {
    step: async (index) => {
      const request = sets.map(({ node: { name, kind }, buffers }) => {
        const { slot, buffer } = buffers.slottedAt(index);
        return { node: name, kind, slot, buffer };
      });
      await camera.request(request, index);
    },
    close: async () => {
      await camera.stop();
      closeSets();
    },
  };
}
