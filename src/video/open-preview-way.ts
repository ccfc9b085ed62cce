import { DmaBufError } from '../base/errors.ts';
import { withCleanup } from '../base/cleanup.ts';
import type { CleanupStack } from '../base/cleanup.ts';
import { createBlitter } from '../blit/blitter.ts';
import type { Display } from '../drm/display.ts';
import type { Framebuffer } from '../drm/framebuffer.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { findPixelFormat } from '../picture/pixel-format.ts';
import type { PixelFormatName } from '../picture/pixel-format-table.ts';
import { openCamera } from '../v4l2/camera.ts';
import type { Camera } from '../v4l2/camera.ts';
import type { CameraOptions } from '../v4l2/camera-options.ts';
import type { CameraFrame } from '../v4l2/camera-frame.ts';
import { fitRectangle } from './fit-rectangle.ts';
import type { PictureSize } from '../base/rectangle.ts';
import { findWrittenFormat } from './preview-formats.ts';
import type { PreviewWay } from './preview-way.ts';

/** A way to be opened. */
export interface WayRequest {
  readonly device: string;
  readonly options: CameraOptions;
  /** DRM's name of the camera's pixels. */
  readonly format: PixelFormatName;
  readonly size: PictureSize;
  readonly display: Display;
}

/** One on the screen, one that comes next, and two for the camera. */
const CAMERA_BUFFER_COUNT = 4;
/** One on the screen, one that waits for its turn, and one that is written. */
const SCREEN_BUFFER_COUNT = 3;

/**
 * The camera fills buffers that the screen's driver has allocated, by their stride. A smaller
 * picture lies in their top left corner.
 */
export function openScreenBuffersWay(request: WayRequest): PreviewWay {
  const { device, options, format, size, display } = request;
  return withCleanup((cleanup) => {
    takeModeOf(size, display);
    const framebuffers = allocateEach(cleanup, display, { format, count: CAMERA_BUFFER_COUNT });
    const [first] = framebuffers as [Framebuffer];
    refuseLarger(size, first.frame);
    const camera = openCamera(device, {
      ...options,
      stride: first.frame.planes[0]?.stride,
      buffers: framebuffers.map(({ frame }) => frame.buffers),
    });
    return {
      kind: 'screenBuffers',
      reason: `the camera fills buffers of the screen's driver, ${display.driver}`,
      camera,
      showsFrame: true,
      framebufferOf: ({ index }) => framebuffers[index] as Framebuffer,
      close: () => closeAll(camera, framebuffers),
    };
  });
}

/** The screen shows the buffers that the camera fills: a heap's, or its driver's own. */
export function openCameraBuffersWay({ device, options, size, display }: WayRequest): PreviewWay {
  return withCleanup((cleanup) => {
    takeModeOf(size, display);
    const { width, height } = display.mode;
    if (width !== size.width || height !== size.height)
      throw new DmaBufError(`Cannot show ${size.width}x${size.height} as the screen has ${width}x${height}`, {
        code: 'EINVAL',
      });
    const camera = openCamera(device, { buffers: CAMERA_BUFFER_COUNT, ...options });
    cleanup.defer(() => camera.close());
    const description = layoutOf(camera);
    const framebuffers = camera.buffers.map((buffers) => display.import(new FrameLayout(description, buffers)));
    return {
      kind: 'cameraBuffers',
      reason: `the screen shows the camera's buffers: ${camera.memory.reason}`,
      camera,
      showsFrame: true,
      framebufferOf: ({ index }) => framebuffers[index] as Framebuffer,
      close: () => closeAll(camera, framebuffers),
    };
  });
}

/** One pass of the CPU, from the camera's buffers to those of the screen. */
export function openBlitWay({ device, options, display }: WayRequest, reason: string): PreviewWay {
  return withCleanup((cleanup) => {
    const [primary] = display.planes;
    const format = primary && findWrittenFormat(primary);
    if (format === undefined)
      throw new DmaBufError(`Cannot show ${device} as nothing is converted to a format of ${display.path}`, {
        code: 'EINVAL',
      });
    const framebuffers = allocateEach(cleanup, display, { format, count: SCREEN_BUFFER_COUNT });
    const camera = openCamera(device, { buffers: CAMERA_BUFFER_COUNT, ...options });
    cleanup.defer(() => camera.close());
    const blitter = createBlitter();
    const write = blitInTurn(camera, { framebuffers, display });
    return {
      kind: 'blit',
      reason,
      camera,
      showsFrame: false,
      framebufferOf: (frame) => write(blitter, frame),
      close: () => {
        blitter.close();
        closeAll(camera, framebuffers);
      },
    };
  });
}

function blitInTurn(
  { format }: Camera,
  { framebuffers, display }: { framebuffers: readonly Framebuffer[]; display: Display },
): (blitter: ReturnType<typeof createBlitter>, frame: CameraFrame) => Promise<Framebuffer> {
  const destinationRectangle = fitRectangle(format, display.mode);
  const isScaled = destinationRectangle.width !== format.width || destinationRectangle.height !== format.height;
  let turn = 0;
  return async (blitter, frame) => {
    const framebuffer = framebuffers[turn % framebuffers.length] as Framebuffer;
    turn += 1;
    await blitter.blit(frame.layout, framebuffer.frame, {
      destinationRectangle,
      filter: isScaled ? 'bilinear' : 'nearest',
      sourceColors: format.colors,
    });
    return framebuffer;
  };
}

/** A mode of the picture's size, where the screen has one. */
function takeModeOf({ width, height }: PictureSize, display: Display): void {
  const { mode, connector } = display;
  if (mode.width === width && mode.height === height) return;
  const fitting = connector.modes.find((candidate) => candidate.width === width && candidate.height === height);
  if (fitting !== undefined) display.setMode(fitting);
}

function allocateEach(
  cleanup: CleanupStack,
  display: Display,
  { format, count }: { format: PixelFormatName; count: number },
): Framebuffer[] {
  const { width, height } = display.mode;
  return Array.from({ length: count }, () => {
    const framebuffer = display.allocate({ width, height, format });
    cleanup.defer(() => framebuffer.close());
    return framebuffer;
  });
}

/** @throws {DmaBufError} for a picture that would not fit into its buffers */
function refuseLarger(size: PictureSize, frame: FrameLayout): void {
  if (size.width <= frame.width && size.height <= frame.height) return;
  throw new DmaBufError(
    `Cannot show ${size.width}x${size.height} as the screen has ${frame.width}x${frame.height}: it can be made smaller by a blit`,
    { code: 'EINVAL' },
  );
}

function layoutOf({ format }: Camera): FrameLayout['description'] {
  const { width, height, name, memories } = format;
  const pixels = name === undefined ? undefined : findPixelFormat(name);
  if (pixels === undefined)
    throw new DmaBufError(`Cannot show ${format.fourcc} as its sizes are not known`, { code: 'EINVAL' });
  return describeFrame(pixels.fourcc, {
    width,
    height,
    stride: memories[0]?.stride,
    separate: memories.length > 1,
  });
}

/** The camera first: its driver writes to the buffers. */
function closeAll(camera: Camera, framebuffers: readonly Framebuffer[]): void {
  camera.close();
  for (const framebuffer of framebuffers) framebuffer.close();
}
