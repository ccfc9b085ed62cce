import type { DmaBuf } from '../heap/dma-buf.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { defaultPlanes } from './default-planes.ts';
import type { VideoPlane } from './default-planes.ts';
import type { SentMemory } from './unixfd-command.ts';
import type { VideoCaps } from './video-caps.ts';
import { videoFormatOf } from './video-format.ts';
import { writeVideoMeta } from './video-meta.ts';

/** How a frame is sent. */
export interface FramePlan {
  /** As many as it has buffers, each with the part of it that the frame takes. */
  readonly memories: readonly (SentMemory & { readonly buffer: DmaBuf })[];
  /** Says where planes lie; none where they lie as GStreamer puts them by itself. */
  readonly metas: readonly Uint8Array[];
}

/**
 * Finds out whether a frame lies as GStreamer expects it without being told.
 *
 * Each memory begins with its buffer: GStreamer maps it from the start of the file, for as many
 * bytes as the memory has (gst-libs/gst/allocators/gstfdmemory.c).
 */
export function planFrame(caps: VideoCaps, layout: FrameLayout): FramePlan {
  const expected = defaultPlanes(caps);
  const whole = expected.reduce((sum, { length }) => sum + length, 0);
  const [only, ...more] = layout.buffers;
  if (more.length === 0 && only !== undefined && only.length >= whole && isSame(layout.planes, expected))
    return { memories: [{ buffer: only, offset: 0, length: whole }], metas: [] };
  const memories = layout.buffers.map((buffer) => ({ buffer, offset: 0, length: endIn(layout, buffer) }));
  const starts = new Map<DmaBuf, number>();
  let start = 0;
  for (const { buffer, length } of memories) {
    starts.set(buffer, start);
    start += length;
  }
  const planes = layout.planes.map(({ buffer, offset, stride, length }) => ({
    offset: (starts.get(buffer) ?? 0) + offset,
    stride,
    length,
  }));
  if (start >= whole && isSame(planes, expected)) return { memories, metas: [] };
  const { width, height } = layout;
  const formatNumber = videoFormatOf(caps.format).number;
  return { memories, metas: [writeVideoMeta({ formatNumber, width, height, planes })] };
}

function isSame(planes: readonly Omit<VideoPlane, 'length'>[], expected: readonly VideoPlane[]): boolean {
  return planes.every(({ offset, stride }, index) => {
    const plane = expected[index];
    return plane?.offset === offset && plane.stride === stride;
  });
}

/** Up to where the frame needs a buffer, in bytes. */
function endIn(layout: FrameLayout, buffer: DmaBuf): number {
  return Math.max(
    ...layout.planes.filter((plane) => plane.buffer === buffer).map(({ offset, length }) => offset + length),
  );
}
