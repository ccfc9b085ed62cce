import type { Framebuffer } from '../drm/framebuffer.ts';
import type { Camera } from '../v4l2/camera.ts';
import type { CameraFrame } from '../v4l2/camera-frame.ts';

/**
 * How frames get to the screen. `screenBuffers`: the camera fills buffers of the screen.
 * `cameraBuffers`: the screen shows the buffers that the camera fills. `blit`: one pass of the CPU
 * copies, converts and scales them.
 */
export type PreviewWayKind = 'screenBuffers' | 'cameraBuffers' | 'blit';

/** How frames get to the screen, ready to go. */
export interface PreviewWay {
  readonly kind: PreviewWayKind;
  /** Why it is this one. A clause. */
  readonly reason: string;
  readonly camera: Camera;
  /** The picture to show for a frame: its own memory, or what a blit has made of it. */
  readonly framebufferOf: (frame: CameraFrame) => Promise<Framebuffer> | Framebuffer;
  /** Whether the screen reads the frame's own memory, which must stay as long as it is shown. */
  readonly showsFrame: boolean;
  readonly close: () => void;
}
