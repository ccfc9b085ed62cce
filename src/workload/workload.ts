import type { IspCameraLoad } from './loads/camera-load.ts';
import type { CaptureMetaLoad } from './loads/capture-meta-load.ts';
import type { DmaBufUserLoad } from './loads/dma-buf-user-load.ts';
import type { FenceLoad } from './loads/fence-load.ts';
import type { CameraLaunchLoad } from './loads/launch-load.ts';
import type { NpuMapLoad, NpuPoolLoad, NpuSessionLoad } from './loads/npu-load.ts';
import type { PacketLoad } from './loads/packet-load.ts';
import type { ProcessingLoad } from './loads/processing-load.ts';
import type { CpuCameraLoad, DecoderLoad } from './loads/queue-load.ts';
import type { ShadowPlaneLoad, VmwgfxBlitLoad } from './loads/screen-load.ts';
import type { MappedSyncLoad } from './loads/sync-load.ts';
import type { VisionLoad } from './loads/vision-load.ts';

/** What one consumer is asked to do. */
export type ConsumerLoad =
  | CameraLaunchLoad
  | CaptureMetaLoad
  | CpuCameraLoad
  | DecoderLoad
  | DmaBufUserLoad
  | FenceLoad
  | IspCameraLoad
  | MappedSyncLoad
  | NpuMapLoad
  | NpuPoolLoad
  | NpuSessionLoad
  | PacketLoad
  | ProcessingLoad
  | ShadowPlaneLoad
  | VisionLoad
  | VmwgfxBlitLoad;

/** Loads that are made for a check: a trace of a machine shows their drivers under other names. */
type CheckName = 'apusys-shared-pool' | 'dma-buf-sync' | 'dma-buf-user' | 'mtk-camera-launch';

/** The drivers that a trace of a machine shows. */
export type DriverName = Exclude<ConsumerLoad['consumer'], CheckName>;

/** Where a load runs that others are not to wait for but by locks. */
export type LoadPlace = 'thread' | 'process';

/** A consumer's load, and how often. */
export type PacedLoad = ConsumerLoad & {
  readonly stepsPerSecond: number;
  /** A step that is not done so long after it was due is late. Absent: when the next is due. */
  readonly deadlineMs?: number;
  /** A thread or a process of its own. Absent: the thread that all such loads have in common. */
  readonly place?: LoadPlace;
};

/** What a machine does with buffers at a time: consumers side by side. */
export interface Workload {
  /** As `dmabuf workload` has it: `camera-preview`. */
  readonly name: string;
  /** One line. */
  readonly title: string;
  /** Where sizes and rates come from. */
  readonly basis: string;
  readonly loads: readonly PacedLoad[];
}
