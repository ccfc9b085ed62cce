import type { ErrnoName } from '../../base/errors.ts';
import {
  V4L2_DV_BT_656_1120,
  VIDIOC_G_DV_TIMINGS,
  VIDIOC_QUERY_DV_TIMINGS,
  VIDIOC_S_DV_TIMINGS,
  v4l2DvTimings,
} from '../../uapi/videodev2-timings.ts';
import type { BorrowedFd } from './fd.ts';
import { V4l2Ioctls } from './v4l2-calls.ts';

/** What an input receives: size and rate, with the bytes of struct v4l2_dv_timings. */
export interface V4l2Timings {
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** In Hz. */
  readonly pixelClock: number;
  /** With blanking, in pixels: a frame takes so many of the clock's ticks. */
  readonly totalPixelCount: number;
  readonly bytes: Uint8Array;
}

/** The calls on timings of digital video (drivers/media/v4l2-core/v4l2-dv-timings.c). */
export class V4l2TimingsCalls extends V4l2Ioctls {
  /**
   * What the source sends now, or why it is not known: `ENOLINK` without a signal, `ENOLCK` with an
   * unstable one, `ERANGE` with one beyond what the device can, `ENOTTY` for an input without
   * timings.
   */
  queryTimings(fd: BorrowedFd): V4l2Timings | ErrnoName {
    return this.#ask(fd, VIDIOC_QUERY_DV_TIMINGS);
  }

  /** What the device is set to. */
  currentTimings(fd: BorrowedFd): V4l2Timings | ErrnoName {
    return this.#ask(fd, VIDIOC_G_DV_TIMINGS);
  }

  setTimings(fd: BorrowedFd, { bytes, width, height }: V4l2Timings): void {
    const argument = bytes.slice();
    this.mustIoctl(fd, ['VIDIOC_S_DV_TIMINGS', VIDIOC_S_DV_TIMINGS], argument, { width, height });
  }

  #ask(fd: BorrowedFd, request: number): V4l2Timings | ErrnoName {
    const bytes = v4l2DvTimings.write({});
    const refusal = this.refusalOf(this.ioctl(fd, request, bytes));
    return refusal ?? readTimings(bytes);
  }
}

function readTimings(bytes: Uint8Array): V4l2Timings | ErrnoName {
  const timings = v4l2DvTimings.read(bytes);
  if (timings.type !== V4L2_DV_BT_656_1120) return 'EINVAL';
  const across = timings['bt.hfrontporch'] + timings['bt.hsync'] + timings['bt.hbackporch'];
  const down = timings['bt.vfrontporch'] + timings['bt.vsync'] + timings['bt.vbackporch'];
  return {
    width: timings['bt.width'],
    height: timings['bt.height'],
    interlaced: timings['bt.interlaced'] !== 0,
    pixelClock: timings['bt.pixelclock'],
    totalPixelCount: (timings['bt.width'] + across) * (timings['bt.height'] + down),
    bytes,
  };
}
