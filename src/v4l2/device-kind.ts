import type { V4l2Capabilities } from '../linux/calls/v4l2-calls.ts';
import {
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
  V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE,
} from '../uapi/videodev2-buffers.ts';
import {
  V4L2_CAP_STREAMING,
  V4L2_CAP_VIDEO_CAPTURE,
  V4L2_CAP_VIDEO_CAPTURE_MPLANE,
  V4L2_CAP_VIDEO_M2M,
  V4L2_CAP_VIDEO_M2M_MPLANE,
  V4L2_CAP_VIDEO_OUTPUT,
  V4L2_CAP_VIDEO_OUTPUT_MPLANE,
} from '../uapi/videodev2-device.ts';

/**
 * What a node is for: `capture` gives frames, `output` takes them, `converter` takes and gives
 * (memory to memory). `other`: metadata, or what cannot stream.
 */
export type DeviceKind = 'capture' | 'output' | 'converter' | 'other';

/** Which way frames go, seen from us. */
export type QueueDirection = 'capture' | 'output';

/** What a node can do. */
interface DeviceQueues {
  readonly kind: DeviceKind;
  /** Whether its buffers may have several memories, one for each plane. */
  readonly multiPlanar: boolean;
}

/** By what VIDIOC_QUERYCAP says (Documentation/userspace-api/media/v4l/vidioc-querycap.rst). */
export function queuesOf({ capabilities }: Pick<V4l2Capabilities, 'capabilities'>): DeviceQueues {
  const has = (...flags: number[]): boolean => flags.some((flag) => (capabilities & flag) !== 0);
  if (!has(V4L2_CAP_STREAMING)) return { kind: 'other', multiPlanar: false };
  // A device that takes and gives may say so by both of its sides.
  const gives = has(V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_VIDEO_CAPTURE_MPLANE);
  const takes = has(V4L2_CAP_VIDEO_OUTPUT, V4L2_CAP_VIDEO_OUTPUT_MPLANE);
  if (has(V4L2_CAP_VIDEO_M2M, V4L2_CAP_VIDEO_M2M_MPLANE) || (gives && takes))
    return {
      kind: 'converter',
      multiPlanar: has(V4L2_CAP_VIDEO_M2M_MPLANE, V4L2_CAP_VIDEO_CAPTURE_MPLANE, V4L2_CAP_VIDEO_OUTPUT_MPLANE),
    };
  if (gives) return { kind: 'capture', multiPlanar: has(V4L2_CAP_VIDEO_CAPTURE_MPLANE) };
  if (takes) return { kind: 'output', multiPlanar: has(V4L2_CAP_VIDEO_OUTPUT_MPLANE) };
  return { kind: 'other', multiPlanar: false };
}

/** `V4L2_BUF_TYPE_*`. */
export function queueType(direction: QueueDirection, multiPlanar: boolean): number {
  if (direction === 'capture') return multiPlanar ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE;
  return multiPlanar ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT;
}
