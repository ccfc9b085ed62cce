import { DmaBufError } from '../base/errors.ts';

/** `EPROTO`: what the other program sent is no frame, or not what it said it was. */
export function protocolError(why: string): DmaBufError {
  return new DmaBufError(`Cannot go on with the pipeline as ${why}`, { code: 'EPROTO' });
}
