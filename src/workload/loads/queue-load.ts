import { MtkVcodec } from '../consumers/mtk-vcodec.ts';
import { Vb2Queue } from '../consumers/vb2-queue.ts';
import { vb2Vmalloc } from '../consumers/vb2-vmalloc.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext, SlotPolicy } from './load.ts';

/** A camera whose frames the CPU writes: UVC, vivid. */
export interface CpuCameraLoad {
  readonly consumer: 'vb2-vmalloc';
  readonly driver: string;
  readonly lengthBytes: number;
  readonly bufferCount: number;
  readonly slots: SlotPolicy;
}

/** A decoder that maps what it queues. */
export interface DecoderLoad {
  readonly consumer: 'mtk-vcodec';
  /** Of a picture's planes; the last is that of metadata. */
  readonly planeBytes: readonly number[];
  readonly bufferCount: number;
  readonly slots: SlotPolicy;
}

export function cpuCameraLoad(description: CpuCameraLoad, context: LoadContext): Load {
  const buffers = new BufferSet(context, description);
  const queue = new Vb2Queue(vb2Vmalloc(context.kernel, description.driver), description.bufferCount);
  return {
    step: async (index) => {
      const { slot, buffer } = buffers.slottedAt(index);
      await queue.queue(slot, [buffer]);
      const view = await queue.planeVaddr(slot, 0, { path: ['fill_frame'], driver: description.driver });
      view?.subarray(0, view.length).fill(index & 0xff);
    },
    close: async () => {
      await queue.release();
      buffers.close();
    },
  };
}

export function decoderLoad(description: DecoderLoad, context: LoadContext): Load {
  const { planeBytes, bufferCount, slots } = description;
  const planes: BufferSet[] = [];
  const closePlanes = (): void => planes.forEach((plane) => plane.close());
  try {
    for (const lengthBytes of planeBytes) planes.push(new BufferSet(context, { lengthBytes, bufferCount, slots }));
  } catch (error) {
    closePlanes();
    throw error;
  }
  const mapsEveryPlane = context.caller === 'as-is';
  const decoder = new MtkVcodec(context.kernel, { slotCount: bufferCount, mapsEveryPlane });
  return {
    step: async (index) => {
      const slotted = planes.map((plane) => plane.slottedAt(index));
      const views = await decoder.queuePicture(
        index % bufferCount,
        slotted.map(({ buffer }) => buffer),
      );
      views
        .at(-1)
        ?.subarray(0, 4)
        .fill(index & 0xff);
    },
    close: async () => {
      await decoder.stop();
      closePlanes();
    },
  };
}
