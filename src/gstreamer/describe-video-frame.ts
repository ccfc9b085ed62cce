import { checkString } from '../base/check.ts';
import { outOfRange } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { FrameDescription } from '../picture/frame-description.ts';
import { DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import { defaultPlanes } from './default-planes.ts';
import { parseVideoCaps } from './video-caps.ts';
import type { VideoCaps } from './video-caps.ts';
import { videoFormatOf } from './video-format.ts';

/**
 * A frame as GStreamer lays it out by itself, in one buffer: each row rounded up to 4 bytes, one
 * plane behind the other. Every pipeline reads such frames right.
 *
 * @param caps of raw video, as in a pipeline: `video/x-raw,format=NV12,width=1920,height=1080`
 * @throws {TypeError | RangeError} for other caps, or a format that is not known here
 *
 * @example
 * ```ts
 * import { describeVideoFrame } from 'dmabuf/gstreamer';
 *
 * const description = describeVideoFrame('video/x-raw,format=NV12,width=642,height=362');
 * console.log(description.planes[1]?.offset); // 233128
 * ```
 */
export function describeVideoFrame(caps: string): FrameDescription {
  return layoutOfCaps(checkCaps(caps, { action: 'describe the frame', name: 'caps' }));
}

/** @throws {TypeError | RangeError} for other than one fixed kind of raw video */
export function checkCaps(caps: unknown, argument: Argument): VideoCaps {
  const text = checkString(caps, argument);
  return parseVideoCaps(text, (remedy) =>
    outOfRange(argument, { must: 'be one kind of raw video', received: text, remedy }),
  );
}

export function layoutOfCaps(caps: VideoCaps): FrameDescription {
  const { fourcc } = videoFormatOf(caps.format).pixels;
  const planes = defaultPlanes(caps).map(({ offset, stride, length }) => ({ bufferIndex: 0, offset, stride, length }));
  const { width, height } = caps;
  return new FrameDescription({ width, height, fourcc, modifier: DRM_FORMAT_MOD_LINEAR, planes });
}
