import type { ConsumerLoad } from '../workload.ts';
import { ispCameraLoad } from './camera-load.ts';
import { captureMetaLoad } from './capture-meta-load.ts';
import { fenceLoad } from './fence-load.ts';
import type { Load, LoadContext } from './load.ts';
import { dmaBufUserLoad } from './dma-buf-user-load.ts';
import { cameraLaunchLoad } from './launch-load.ts';
import { npuMapLoad, npuPoolLoad, npuSessionLoad } from './npu-load.ts';
import { packetLoad } from './packet-load.ts';
import { processingLoad } from './processing-load.ts';
import { cpuCameraLoad, decoderLoad } from './queue-load.ts';
import { shadowPlaneLoad, vmwgfxBlitLoad } from './screen-load.ts';
import { mappedSyncLoad } from './sync-load.ts';
import { visionLoad } from './vision-load.ts';

type LoadOf<Consumer extends ConsumerLoad['consumer']> = Extract<ConsumerLoad, { readonly consumer: Consumer }>;
type Starters = {
  readonly [Consumer in ConsumerLoad['consumer']]: (
    description: LoadOf<Consumer>,
    context: LoadContext,
  ) => Load | Promise<Load>;
};

const STARTERS: Starters = {
  'apusys-map': npuMapLoad,
  'apusys-pool': npuSessionLoad,
  'apusys-shared-pool': npuPoolLoad,
  'dma-buf-sync': mappedSyncLoad,
  'dma-buf-user': dmaBufUserLoad,
  'drm-gem-shmem': shadowPlaneLoad,
  'intel-ipu-psys': processingLoad,
  'mtk-aov': visionLoad,
  'mtk-camera': ispCameraLoad,
  'mtk-camera-launch': cameraLaunchLoad,
  'mtk-vcodec': decoderLoad,
  'nvidia-pva': fenceLoad,
  'qualcomm-camera': packetLoad,
  'samsung-capture-meta': captureMetaLoad,
  'vb2-vmalloc': cpuCameraLoad,
  'vmwgfx-blit': vmwgfxBlitLoad,
};

/**
 * Allocates what a load needs.
 *
 * @throws as allocating or mapping fails: nothing stays
 */
export async function startLoad(description: ConsumerLoad, context: LoadContext): Promise<Load> {
  const start = STARTERS[description.consumer] as (description: ConsumerLoad, context: LoadContext) => Promise<Load>;
  return await start(description, context);
}
