import { DmaBufError } from '../base/errors.ts';

/** `EPROTO`: what came is none of the protocol, or the compositor has found a fault of ours. */
export function compositorError(why: string): DmaBufError {
  return new DmaBufError(`Cannot go on with the compositor as ${why}`, { code: 'EPROTO' });
}
