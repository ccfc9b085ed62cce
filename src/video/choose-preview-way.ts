import { isDmaBufError } from '../base/errors.ts';
import type { Display } from '../drm/display.ts';
import type { CameraOptions } from '../v4l2/camera-options.ts';
import type { PictureSize } from '../base/rectangle.ts';
import { openBlitWay, openCameraBuffersWay, openScreenBuffersWay } from './open-preview-way.ts';
import type { WayRequest } from './open-preview-way.ts';
import { findBlittedFormat, findShownFormat } from './preview-formats.ts';
import type { PreviewFormat } from './preview-formats.ts';
import { sizeForScreen } from './preview-size.ts';
import type { PreviewWay } from './preview-way.ts';
import { noFormat, wantedFormats } from './wanted-formats.ts';

/** From which camera to which screen. */
export interface PreviewRequest {
  readonly device: string;
  readonly options: CameraOptions;
  readonly display: Display;
}

/** Another way may do: buffers, formats or strides that one of the two does not take. */
const ANOTHER_WAY: ReadonlySet<string> = new Set(['EINVAL', 'EFAULT', 'ENODEV', 'ENOSYS', 'EOPNOTSUPP', 'ENOMEM']);

/**
 * Finds the way with the least work: without a copy where the camera has a format that the screen
 * shows; by one pass of the CPU where it has not, or where neither takes the other's buffers.
 *
 * @throws {DmaBufError} `EINVAL` for a camera without a format that can be shown or converted
 * @throws what `openCamera` and `Display.allocate` throw for the last of the ways
 */
export function choosePreviewWay({ device, options, display }: PreviewRequest): PreviewWay {
  const formats = wantedFormats(device, options);
  const [primary] = display.planes;
  const shown = primary && findShownFormat(formats, primary);
  const blitted = findBlittedFormat(formats);
  if (shown === undefined) {
    if (blitted === undefined) throw noFormat(device, formats);
    const has = formats.map(({ fourcc }) => fourcc).join(', ');
    return openBlitWay({ ...requestFor(blitted), device, display }, `the screen shows none of the formats ${has}`);
  }
  const request = { ...requestFor(shown), device, display };
  const refusals: string[] = [];
  for (const open of [openScreenBuffersWay, openCameraBuffersWay]) {
    try {
      return open(request);
    } catch (error) {
      if (!isDmaBufError(error) || !ANOTHER_WAY.has(error.code)) throw error;
      refusals.push(error.message);
    }
  }
  if (blitted === undefined) throw noFormat(device, formats);
  return openBlitWay({ ...requestFor(blitted), device, display }, refusals.join('; '));

  function requestFor({ name, description }: PreviewFormat): Pick<WayRequest, 'options' | 'format' | 'size'> {
    const size = wantedSize(options) ?? sizeForScreen(description, display.mode) ?? display.mode;
    const { width, height } = size;
    return { options: { ...options, format: description.pixelformat, width, height }, format: name, size };
  }
}

function wantedSize({ width, height }: CameraOptions): PictureSize | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}
