import { DmaBufError } from '../../base/errors.ts';

/**
 * The error for a packet that is not a message of this package, with the reason. Only that message
 * is lost.
 */
export function refusal(reason: string, code: 'EPROTO' | 'EMSGSIZE' = 'EPROTO'): DmaBufError {
  return new DmaBufError(`Cannot receive the message as ${reason}`, { code, syscall: 'recvmsg' });
}
