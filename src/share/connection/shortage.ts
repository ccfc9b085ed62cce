import { isDmaBufError } from '../../base/errors.ts';
import type { DmaBufErrorCode } from '../../base/errors.ts';

/**
 * The refusals of a single call that later calls need not get: this process or the machine is short
 * of something, or a security module or a peer interferes (man 2 accept, man 7 epoll).
 */
const SHORTAGES: ReadonlySet<DmaBufErrorCode> = new Set<DmaBufErrorCode>([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'ENOSPC',
  'ECONNABORTED',
  'EPERM',
]);

/** The delay before a call is repeated: no event signals the end of a shortage. */
export const SHORTAGE_RETRY_MS = 50;

export function isShortage(error: unknown): boolean {
  return isDmaBufError(error) && SHORTAGES.has(error.code);
}
