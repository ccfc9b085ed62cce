import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import type {
  V4l2FormatCalls,
  V4l2FormatRequest,
  V4l2Fraction,
  V4l2PictureFormat,
} from '../linux/calls/v4l2-format-calls.ts';
import { formatFourcc } from '../picture/fourcc.ts';
import type { Attempt } from './refusals.ts';
import { rateOf, videoFormatOf } from './video-format.ts';
import type { NamedFormat, VideoFormat } from './video-format.ts';

/** What a caller asks of a format: the device chooses what is left out. */
export interface FormatWishes {
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly format: NamedFormat | undefined;
  /** Of the first plane, in bytes. */
  readonly stride: number | undefined;
  /** Frames a second. */
  readonly rate: number | undefined;
  /** Whether what the driver makes of it is taken as it is. */
  readonly adjust: boolean;
}

/** A queue whose format is negotiated. */
interface NegotiatedQueue {
  readonly calls: V4l2FormatCalls;
  readonly fd: BorrowedFd;
  /** `V4L2_BUF_TYPE_*`. */
  readonly type: number;
  readonly attempt: Attempt;
}

/** 29.97 passes for 30: NTSC's rates are a thousandth below whole ones. */
const RATE_TOLERANCE = 0.002;
/** What a rate that is no whole number is counted in. */
const RATE_UNIT = 1000;

/**
 * Sets the format and the rate of a queue. What a driver makes of them is its own affair:
 * VIDIOC_S_FMT succeeds with whatever it likes better
 * (Documentation/userspace-api/media/v4l/vidioc-g-fmt.rst). So it is compared, before anything is
 * set.
 *
 * @throws {DmaBufError} `EINVAL` for a format, a size, a stride or a rate that the driver would
 *   change, unless `adjust`; `EBUSY` while another streams
 */
export function negotiateFormat(queue: NegotiatedQueue, wishes: FormatWishes): VideoFormat {
  const { calls, fd, type } = queue;
  const current = calls.currentFormat(fd, type);
  const request = requestOf(queue, wishes, current);
  const tried = tryFormat(queue, request);
  if (tried !== undefined) checkFormat(queue, wishes, { request, offered: tried });
  const picture = calls.askForFormat(fd, type, request, 'set');
  checkFormat(queue, wishes, { request, offered: picture });
  const interval = negotiateRate(queue, wishes, picture);
  return videoFormatOf({ picture, interval });
}

function requestOf(queue: NegotiatedQueue, wishes: FormatWishes, current: V4l2PictureFormat): V4l2FormatRequest {
  const { width = current.width, height = current.height, stride } = wishes;
  const pixelformat = choosePixelformat(queue, wishes, current);
  const request = { width, height, pixelformat };
  return stride === undefined ? request : { ...request, planes: [{ bytesPerLine: stride, sizeImage: 0 }] };
}

/** Of V4L2's numbers for a format, the first that the driver lists. */
function choosePixelformat(
  queue: NegotiatedQueue,
  { format, adjust }: FormatWishes,
  current: V4l2PictureFormat,
): number {
  if (format === undefined) return current.pixelformat;
  const { calls, fd, type } = queue;
  const offered = calls.listFormats(fd, type).map(({ pixelformat }) => pixelformat);
  const [likeliest = 0] = format.pixelformats;
  const found = format.pixelformats.find((pixelformat) => offered.includes(pixelformat));
  if (found !== undefined) return found;
  if (adjust || offered.length === 0) return likeliest;
  const list = offered.map((pixelformat) => formatFourcc(pixelformat)).join(', ');
  throw refusedFormat(queue, `it has no format ${format.name}: take one of ${list}`, { format: format.name });
}

/** Undefined from a driver that cannot only try. */
function tryFormat({ calls, fd, type }: NegotiatedQueue, request: V4l2FormatRequest): V4l2PictureFormat | undefined {
  try {
    return calls.askForFormat(fd, type, request, 'try');
  } catch (error) {
    if (isDmaBufError(error, 'ENOTTY')) return undefined;
    throw error;
  }
}

function checkFormat(
  queue: NegotiatedQueue,
  { adjust, stride }: FormatWishes,
  { request, offered }: { request: V4l2FormatRequest; offered: V4l2PictureFormat },
): void {
  const isSame =
    offered.width === request.width &&
    offered.height === request.height &&
    offered.pixelformat === request.pixelformat &&
    (stride === undefined || offered.planes[0]?.bytesPerLine === stride);
  if (adjust || isSame) return;
  const { width, height } = offered;
  const ofStride = stride === undefined ? '' : ` with a stride of ${offered.planes[0]?.bytesPerLine ?? 0}`;
  const offer = `${formatFourcc(offered.pixelformat)} ${width}x${height}${ofStride}`;
  const asked = `${formatFourcc(request.pixelformat)} ${request.width}x${request.height}`;
  const why = `it would take ${offer} instead of ${asked}${stride === undefined ? '' : ` with a stride of ${stride}`}: ask for that, or pass { adjust: true }`;
  const values = { width: request.width, height: request.height, offeredWidth: width, offeredHeight: height };
  throw refusedFormat(queue, why, { ...values, offeredFormat: formatFourcc(offered.pixelformat) });
}

function negotiateRate(
  queue: NegotiatedQueue,
  { rate, adjust }: FormatWishes,
  picture: V4l2PictureFormat,
): V4l2Fraction | undefined {
  const { calls, fd, type } = queue;
  if (rate === undefined) return calls.frameInterval(fd, type);
  const given = calls.setFrameInterval(fd, type, intervalFor(queue, rate, picture));
  if (adjust) return given;
  if (given === undefined)
    throw refusedFormat(queue, `its rate cannot be set: leave { rate } out, or pass { adjust: true }`, { rate });
  const offered = rateOf(given);
  if (Math.abs(offered - rate) <= rate * RATE_TOLERANCE) return given;
  const why = `it would give ${formatRate(offered)} frames a second instead of ${formatRate(rate)}: ask for that, or pass { adjust: true }`;
  throw refusedFormat(queue, why, { rate, offeredRate: offered });
}

/** The driver's own fraction, where it lists one that is near. */
function intervalFor({ calls, fd }: NegotiatedQueue, rate: number, picture: V4l2PictureFormat): V4l2Fraction {
  const listed = calls
    .listFrameIntervals(fd, picture)
    .flatMap((each) => (each.kind === 'discrete' ? [each.interval] : []))
    .filter((interval) => Math.abs(rateOf(interval) - rate) <= rate * RATE_TOLERANCE)
    .toSorted((one, other) => Math.abs(rateOf(one) - rate) - Math.abs(rateOf(other) - rate));
  if (listed[0] !== undefined) return listed[0];
  return Number.isInteger(rate)
    ? { numerator: 1, denominator: rate }
    : { numerator: RATE_UNIT, denominator: Math.max(1, Math.round(rate * RATE_UNIT)) };
}

function formatRate(rate: number): string {
  return `${Math.round(rate * RATE_UNIT) / RATE_UNIT}`;
}

function refusedFormat(
  { attempt }: NegotiatedQueue,
  why: string,
  values: Readonly<Record<string, number | string>>,
): DmaBufError {
  return new DmaBufError(`Cannot ${attempt.action} as ${why}`, {
    code: 'EINVAL',
    syscall: 'VIDIOC_S_FMT',
    values: { path: attempt.path, ...values },
  });
}
