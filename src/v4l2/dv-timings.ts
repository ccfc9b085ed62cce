import { DmaBufError } from '../base/errors.ts';
import type { DmaBufErrorCode } from '../base/errors.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import { V4l2TimingsCalls } from '../linux/calls/v4l2-timings-calls.ts';
import type { V4l2Timings } from '../linux/calls/v4l2-timings-calls.ts';
import type { Machine } from '../linux/machine.ts';
import type { Attempt } from './refusals.ts';

/** What a digital input receives. */
export interface VideoTimings {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Whether a frame comes in two halves. */
  readonly interlaced: boolean;
  /** Of the link, with blanking, in Hz. */
  readonly pixelClock: number;
  /** By the pixel clock and the size with blanking. */
  readonly framesPerSecond: number;
}

const NO_SIGNAL: Partial<Record<DmaBufErrorCode, string>> = {
  ENOLINK: 'its input has no signal: plug a source in and switch it on',
  ENOLCK: 'the signal at its input is not stable: try again, or try another cable',
  ERANGE: 'the signal at its input is beyond what it can take: set the source to a smaller size or rate',
  ENOTTY: 'its input has no timings: they belong to HDMI, DVI and DisplayPort',
  ENODATA: 'its input has no timings: they belong to HDMI, DVI and DisplayPort',
};

/**
 * Sets a device to what its input receives.
 *
 * @throws {DmaBufError} `ENOLINK` without a signal, `ENOLCK` with an unstable one, `ERANGE` with
 *   one that it cannot take, `ENOTTY` or `ENODATA` for an input without timings
 */
export function takeSourceTimings(machine: Machine, fd: BorrowedFd, attempt: Attempt): VideoTimings {
  const calls = new V4l2TimingsCalls(machine.raw);
  const timings = calls.queryTimings(fd);
  if (typeof timings === 'string') throw noTimings(timings, attempt);
  calls.setTimings(fd, timings);
  return videoTimingsOf(timings);
}

/** What a device's input receives now. Changes nothing. */
export function querySourceTimings(machine: Machine, fd: BorrowedFd, attempt: Attempt): VideoTimings {
  const timings = new V4l2TimingsCalls(machine.raw).queryTimings(fd);
  if (typeof timings === 'string') throw noTimings(timings, attempt);
  return videoTimingsOf(timings);
}

function videoTimingsOf({ width, height, interlaced, pixelClock, totalPixelCount }: V4l2Timings): VideoTimings {
  const framesPerSecond = totalPixelCount === 0 ? 0 : pixelClock / totalPixelCount;
  return Object.freeze({ width, height, interlaced, pixelClock, framesPerSecond });
}

function noTimings(code: DmaBufErrorCode, { action, path }: Attempt): DmaBufError {
  const syscall = 'VIDIOC_QUERY_DV_TIMINGS';
  const why = NO_SIGNAL[code] ?? 'the timings of its input are not known';
  return new DmaBufError(`Cannot ${action} as ${why} (${syscall} failed with ${code})`, {
    code,
    syscall,
    values: { path },
  });
}
