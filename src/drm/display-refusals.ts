/** What the kernel's refusals mean here, and what would help. */

import { isDmaBufError, DmaBufError } from '../base/errors.ts';
import type { DmaBufErrorCode, DmaBufErrorFields } from '../base/errors.ts';
import { findFileHolders } from '../linux/proc/file-holders.ts';
import type { Machine } from '../linux/machine.ts';
import { formatFourcc } from '../picture/fourcc.ts';
import { labelOf } from '../picture/frame-description.ts';
import type { FrameDescription } from '../picture/frame-description.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import type { DisplayCard, DisplayPlane } from './display-card.ts';

/** Size and format. */
type Picture = Pick<FrameDescription, 'width' | 'height' | 'fourcc' | 'modifier'>;

/** A refusal with a meaning: `because` completes "Cannot … as". */
type Meaning = (error: DmaBufError) => string | undefined;

const UNPLUGGED = 'it was unplugged, or its driver unbound: open the display again once it is back';
const NOT_MASTER = 'another program has taken the screen over since: open the display again once it is given back';

/** Runs `call`, whose refusals get a message that says what they mean. */
export function withMeaning<Result>(action: string, meaning: Meaning, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    const because = error.code === 'ENODEV' ? UNPLUGGED : meaning(error);
    if (because === undefined) throw error;
    throw refusal(`Cannot ${action} as ${because}`, error);
  }
}

function refusal(message: string, cause: DmaBufError): DmaBufError {
  const { code, syscall, values } = cause;
  const fields: DmaBufErrorFields = { code, values, cause };
  return new DmaBufError(message, syscall === undefined ? fields : { ...fields, syscall });
}

/** Why this program cannot become master: the programs that have the card open, and a remedy. */
export function whyNotMaster(path: string, machine: Machine): Meaning {
  return ({ code }) => {
    if (code !== 'EBUSY' && code !== 'EACCES') return undefined;
    const holders = findFileHolders(path, machine);
    const others = holders.filter(({ pid }) => pid !== process.pid);
    if (others.length === 0 && holders.length > 0)
      return `this process shows pictures on ${path} already: close that display first`;
    const holder = others.map(({ pid, name }) => `${name} (process ${pid})`).join(', ') || 'another program';
    return `${holder} has ${path} and shows its own pictures: switch to a text console (Ctrl-Alt-F3), or end the desktop (sudo systemctl isolate multi-user.target)`;
  };
}

const IMPORT_REFUSALS: ReadonlySet<DmaBufErrorCode> = new Set(['EINVAL', 'ENODEV', 'ENOSYS', 'EOPNOTSUPP', 'ENOTTY']);

/** Why a buffer cannot be imported. Drivers refuse with what they like, ENODEV too. */
export function refuseImport(frame: FrameLayout, { path, driver }: DisplayCard, error: unknown): unknown {
  if (!isDmaBufError(error) || !IMPORT_REFUSALS.has(error.code)) return error;
  const { exporter } = frame.buffers[0] ?? {};
  const message = `Cannot import ${labelOf(frame)} as ${driver}, the driver of ${path}, refuses the buffer of ${exporter} with ${error.code}: take one that it has allocated itself, from display.allocate(), and let the camera or the decoder write there`;
  return refusal(message, error);
}

/** Runs `allocate`, whose refusal gets a message that says what was wanted. */
export function refuseAllocation<Result>(
  frame: Picture,
  { path, driver }: DisplayCard,
  allocate: () => Result,
): Result {
  const why = ({ code }: DmaBufError): string =>
    `${driver}, the driver of ${path}, makes no buffer for ${labelOf(frame)} (${code}): take another format or size`;
  return withMeaning('allocate the frame', why, allocate);
}

/** @throws {DmaBufError} `EINVAL` for a format that none of the planes takes */
export function checkFormat(action: string, frame: Picture, planes: readonly DisplayPlane[]): void {
  if (planes.some(({ formats }) => formats.some(({ fourcc }) => fourcc === frame.fourcc))) return;
  const names = [...new Set(planes.flatMap(({ formats }) => formats.map(({ name }) => name)))];
  const whose = planes.length === 1 ? `plane ${planes[0]?.id} takes` : 'the planes of the screen take';
  throw new DmaBufError(`Cannot ${action} as ${whose} ${names.join(', ')}, not ${formatFourcc(frame.fourcc)}`, {
    code: 'EINVAL',
    values: { format: formatFourcc(frame.fourcc) },
  });
}

/** Why a flip is refused. */
export function whyNotShown(frame: FrameLayout, mode: { width: number; height: number }): Meaning {
  return ({ code }) => {
    if (code === 'EACCES') return NOT_MASTER;
    if (code !== 'EINVAL' && code !== 'ERANGE' && code !== 'ENOSPC') return undefined;
    const sizes = `the picture is of ${frame.width}x${frame.height} pixels and the screen of ${mode.width}x${mode.height}`;
    return `the driver refuses it with ${code}: ${sizes}, and many planes neither scale nor leave a part of the screen uncovered; take a mode (display.setMode), a source or a destination that fit`;
  };
}
