import type { Rectangle } from '../../base/rectangle.ts';
import { DrmGemShmemScreen } from '../consumers/drm-gem-shmem.ts';
import { blitByVmwgfx } from '../consumers/vmwgfx-blit.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext } from './load.ts';

/** Pictures of a screen. */
interface PictureSet {
  readonly width: number;
  readonly height: number;
  readonly bytesPerPixel: number;
  readonly bufferCount: number;
}

/** A screen whose driver reads what was damaged at each commit. */
export interface ShadowPlaneLoad extends PictureSet {
  readonly consumer: 'drm-gem-shmem';
  readonly driver: string;
  /** What changes from picture to picture. Absent: all of it. */
  readonly damage?: { readonly width: number; readonly height: number };
}

/** A blit by the CPU at each flip. */
export interface VmwgfxBlitLoad extends PictureSet {
  readonly consumer: 'vmwgfx-blit';
}

export function shadowPlaneLoad(description: ShadowPlaneLoad, context: LoadContext): Load {
  const { driver, damage = description } = description;
  const buffers = new BufferSet(context, sizesOf(description));
  const screen = new DrmGemShmemScreen(context.kernel, driver);
  const rectangle = { x: 0, y: 0, width: damage.width, height: damage.height };
  return {
    step: async (index) => void (await screen.commit(buffers.at(index), layoutOf(description), rectangle)),
    close: async () => {
      await screen.disable();
      buffers.close();
    },
  };
}

export function vmwgfxBlitLoad(description: VmwgfxBlitLoad, context: LoadContext): Load {
  const buffers = new BufferSet(context, { ...sizesOf(description), bufferCount: description.bufferCount + 1 });
  const { width, height } = description;
  const rectangle: Rectangle = { x: 0, y: 0, width, height };
  const target = buffers.at(description.bufferCount);
  return {
    step: async (index) => {
      const source = buffers.at(index % description.bufferCount);
      await blitByVmwgfx(context.kernel, { source, target }, { layout: layoutOf(description), rectangle });
    },
    close: async () => await Promise.resolve(buffers.close()),
  };
}

function layoutOf({ width, bytesPerPixel }: PictureSet): { strideBytes: number; bytesPerPixel: number } {
  return { strideBytes: width * bytesPerPixel, bytesPerPixel };
}

function sizesOf({ width, height, bytesPerPixel, bufferCount }: PictureSet): {
  lengthBytes: number;
  bufferCount: number;
} {
  return { lengthBytes: width * height * bytesPerPixel, bufferCount };
}
