import { openHeap } from '../../../src/index.ts';
import { openCamera } from '../../../src/v4l2/index.ts';
import { SINGLE_PLANAR, vividNode } from './vivid.ts';

interface VividCapture {
  readonly frameCount: number;
  readonly bufferCount: number;
  /** Of the heap that the buffers come from. Default: `kernel`. */
  readonly backend?: 'kernel' | 'udmabuf';
}

/**
 * Captures frames of 640x360 YUYV. vivid maps each buffer at its first turn, and keeps the mapping
 * until the camera is closed.
 */
export async function captureVivid({ frameCount, bufferCount, backend = 'kernel' }: VividCapture): Promise<void> {
  const heap = openHeap('system', { backends: [backend] });
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  const size = { width: 640, height: 360 };
  const camera = openCamera(path, { ...size, format: 'YUYV', rate: 30, heap, buffers: bufferCount });
  let left = frameCount;
  for await (const frame of camera.frames()) {
    frame.close();
    left -= 1;
    if (left === 0) break;
  }
  camera.close();
  heap.close();
}
