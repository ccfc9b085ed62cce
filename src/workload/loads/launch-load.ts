import { ispCameraLoad } from './camera-load.ts';
import type { CameraNode } from './camera-load.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext } from './load.ts';

/** A camera that is started: working buffers, all buffers of its nodes, and one request. */
export interface CameraLaunchLoad {
  readonly consumer: 'mtk-camera-launch';
  readonly nodes: readonly CameraNode[];
  /** Of each node. */
  readonly bufferCount: number;
  /** Of each working buffer, all of which the CPU maps. Absent: there are none. */
  readonly workingBytes?: readonly number[];
}

const WORKING_SITE = { path: ['mtk_cam_device_buf_vmap', 'mtk_cam_ctx_alloc_pool', 'mtk_cam_vb2_start_streaming'] };

/** Each step is a launch: everything is new, so that every mapping is the first of its buffer. */
export function cameraLaunchLoad(description: CameraLaunchLoad, context: LoadContext): Load {
  return {
    step: async (index) => {
      const pools = new LaunchPools(context);
      try {
        for (const lengthBytes of description.workingBytes ?? []) await pools.add(lengthBytes);
        await requestOnce(description, context, index);
      } finally {
        await pools.close();
      }
    },
    close: async () => await Promise.resolve(),
  };
}

async function requestOnce(
  { nodes, bufferCount }: CameraLaunchLoad,
  context: LoadContext,
  index: number,
): Promise<void> {
  const camera = ispCameraLoad({ consumer: 'mtk-camera', nodes, bufferCount, slots: 'kept' }, context);
  try {
    await camera.step(index);
  } finally {
    await camera.close();
  }
}

/** Working buffers (CQ, IPI, sv, mraw), which stay mapped as long as the camera runs. */
class LaunchPools {
  readonly #context: LoadContext;
  readonly #sets: BufferSet[] = [];

  constructor(context: LoadContext) {
    this.#context = context;
  }

  async add(lengthBytes: number): Promise<void> {
    const set = new BufferSet(this.#context, { lengthBytes, bufferCount: 1 });
    try {
      await this.#context.kernel.vmapUnlocked(set.at(0), WORKING_SITE);
    } catch (error) {
      set.close();
      throw error;
    }
    this.#sets.push(set);
  }

  async close(): Promise<void> {
    for (const set of this.#sets) {
      await this.#context.kernel.vunmapUnlocked(set.at(0), WORKING_SITE);
      set.close();
    }
  }
}
