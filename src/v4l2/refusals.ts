/** What V4L2 drivers refuse, why, and what would help. */

import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { DmaBufErrorCode } from '../base/errors.ts';
import { explainRefusedDevice } from '../diagnosis/device-access.ts';
import type { Machine } from '../linux/machine.ts';
import { kernelName } from './device-info.ts';
import { describeHolders } from './device-holders.ts';

/** What was asked of which device. */
export interface Attempt {
  /** Completes "Cannot …": `start /dev/video0`. */
  readonly action: string;
  readonly path: string;
}

/** The ioctl that was refused, and with what. */
interface Refused {
  readonly code: DmaBufErrorCode;
  readonly syscall: string;
  readonly values?: Readonly<Record<string, number | string>> | undefined;
  readonly cause?: unknown;
}

const UNPLUGGED = 'it was unplugged, or its driver is gone: open it again when it is back';
const STREAM_ERROR = 'its driver reports a streaming error: close it and open it again; dmesg may say why';
const BANDWIDTH =
  'the USB bus has no bandwidth left for it: take a smaller size, a lower rate or a compressed format, or plug it into a port of another controller';
const NO_PIPELINE =
  'its pipeline is not set up: the media controller connects sensor and receiver, and their formats must agree; set it up by media-ctl (v4l-utils), or use libcamera';
const NO_MEMORY =
  'the driver has no memory for its buffers: ask for fewer, or give a contiguous heap more (cma= on the kernel command line)';

/** Of codes that mean the same whatever was asked. */
const REASONS: Partial<Record<DmaBufErrorCode, string>> = {
  ENODEV: UNPLUGGED,
  EIO: STREAM_ERROR,
  ENOMEM: NO_MEMORY,
};

/**
 * At the start of streaming: formats that do not agree (EPIPE) and links that are missing
 * (ENOLINK), by Documentation/userspace-api/media/v4l/vidioc-streamon.rst; ENOSPC by
 * Documentation/userspace-api/media/gen-errors.rst.
 */
const START_REASONS: Partial<Record<DmaBufErrorCode, string>> = {
  EPIPE: NO_PIPELINE,
  ENOLINK: NO_PIPELINE,
  ENOSPC: BANDWIDTH,
};

/** Why a device in use refuses; undefined where nothing more is known than the code. */
function explain(machine: Machine, { path }: Attempt, { code, syscall }: Refused): string | undefined {
  if (code === 'EBUSY') return describeHolders(machine, path);
  return (syscall === 'VIDIOC_STREAMON' ? START_REASONS[code] : undefined) ?? REASONS[code];
}

/** The error of a device that refuses. */
export function refusedByDevice(machine: Machine, attempt: Attempt, refused: Refused): DmaBufError {
  const { code, syscall, values, cause } = refused;
  const why = explain(machine, attempt, refused);
  const reason = why === undefined ? '' : ` as ${why}`;
  return new DmaBufError(`Cannot ${attempt.action}${reason} (${syscall} failed with ${code})`, {
    code,
    syscall,
    values: { path: attempt.path, ...values },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Of a device that polls as failed, and gives nothing back. */
export function failedStream(path: string): DmaBufError {
  const message = `Cannot stream ${path} as its driver reports an error: open it again; dmesg may say why`;
  return new DmaBufError(message, { code: 'EIO', syscall: 'poll', values: { path } });
}

/** Runs what may be refused by a device: a refusal is explained. */
export function withRefusals<Result>(machine: Machine, attempt: Attempt, body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    const { code, syscall = '', values } = error;
    // What a call itself was refused with begins with its name: the rest is explained already.
    if (!syscall.startsWith('VIDIOC_') || !error.message.startsWith(syscall)) throw error;
    throw refusedByDevice(machine, attempt, { code, syscall, values, cause: error });
  }
}

/** Runs what opens a device: a refusal is explained. */
export function refusedOpening<Result>(machine: Machine, attempt: Attempt, open: () => Result): Result {
  try {
    return open();
  } catch (cause) {
    if (!isDmaBufError(cause)) throw cause;
    const { code, syscall = 'open', values } = cause;
    const { action, path } = attempt;
    if (syscall === 'VIDIOC_QUERYCAP')
      throw new DmaBufError(`Cannot ${action} as ${path} is no V4L2 device (${code})`, {
        code,
        syscall,
        values,
        cause,
      });
    if (syscall !== 'open') throw cause;
    const why =
      code === 'EBUSY'
        ? describeHolders(machine, path)
        : Object.values(explainRefusedDevice(path, kernelName(cause.errno), machine)).join(': ');
    throw new DmaBufError(`Cannot ${action} as ${why}`, { code, syscall, values: { ...values, path }, cause });
  }
}
