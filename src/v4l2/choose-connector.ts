import { DmaBufError } from '../base/errors.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { V4l2Calls } from '../linux/calls/v4l2-calls.ts';
import type { QueueDirection } from './device-kind.ts';
import type { Attempt } from './refusals.ts';

/**
 * Chooses an input of a camera, or an output.
 *
 * @param connector its index or its name
 * @throws {DmaBufError} `EINVAL` where there is none such, with those that there are
 */
// eslint-disable-next-line max-params -- a device, and what is asked of it
export function chooseConnector(
  calls: V4l2Calls,
  fd: BorrowedFd,
  connector: number | string,
  { kind, attempt }: { readonly kind: QueueDirection; readonly attempt: Attempt },
): void {
  const isInput = kind === 'capture';
  const list = isInput ? calls.listInputs(fd) : calls.listOutputs(fd);
  const found = list.find(({ index, name }) => index === connector || name === connector);
  if (found === undefined) {
    const what = isInput ? 'input' : 'output';
    const names = list.map(({ index, name }) => `${index} (${quoteForeign(name)})`).join(', ');
    const there = list.length === 0 ? 'it has none to choose from' : `it has ${names}`;
    const message = `Cannot ${attempt.action} as it has no ${what} ${quoteForeign(`${connector}`)}: ${there}`;
    throw new DmaBufError(message, { code: 'EINVAL', values: { path: attempt.path, [what]: connector } });
  }
  if (isInput) calls.setInput(fd, found.index);
  else calls.setOutput(fd, found.index);
}
