import { DmaBufError } from '../base/errors.ts';
import { findPixelFormat } from '../picture/pixel-format.ts';
import type { CameraOptions } from '../v4l2/camera-options.ts';
import type { FormatDescription } from '../v4l2/describe-formats.ts';
import { describeVideoDevice } from '../v4l2/list-cameras.ts';

/** The camera's formats, or the one that is wanted. */
export function wantedFormats(device: string, { format }: CameraOptions): readonly FormatDescription[] {
  const { queues } = describeVideoDevice(device);
  const formats = queues.find(({ direction }) => direction === 'capture')?.formats ?? [];
  if (format === undefined) return formats;
  return formats.filter(
    ({ name, fourcc, pixelformat }) => format === name || format === fourcc || format === pixelformat,
  );
}

/** For a camera of which nothing can be shown. */
export function noFormat(device: string, formats: readonly FormatDescription[]): DmaBufError {
  const compressed = formats.filter(({ name }) => name !== undefined && findPixelFormat(name)?.compressed === true);
  const reason =
    compressed.length > 0
      ? `its pictures are compressed (${compressed.map(({ fourcc }) => fourcc).join(', ')})`
      : 'it has no format of that name that can be converted';
  return new DmaBufError(`Cannot show ${device} as ${reason}: "dmabuf camera ${device}" lists its formats`, {
    code: 'EINVAL',
  });
}
