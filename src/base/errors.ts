import { constants } from 'node:os';
import { types } from 'node:util';

import { wrongType, wrongValue } from './argument-error.ts';

/** The name of a kernel error number: `'ENOMEM'`, `'EACCES'`, … */
export type ErrnoName = keyof typeof constants.errno;

/**
 * Every `code` that a {@link DmaBufError} may carry. `ERR_DMABUF_CLOSED`: used after close. The
 * rest are the kernel's names.
 */
export type DmaBufErrorCode = ErrnoName | 'ERR_DMABUF_CLOSED';

/** What a {@link DmaBufError} is built from. */
export interface DmaBufErrorFields {
  /** The kernel's name of the refusal, or `ERR_DMABUF_CLOSED`. */
  readonly code: DmaBufErrorCode;
  /** The system call that refused, or that was not made because it would have refused. */
  readonly syscall?: string;
  /** The values behind the refusal, by name: what was asked, what is available, which limit. */
  readonly values?: Readonly<Record<string, number | string>>;
  /** As `Error.cause`. */
  readonly cause?: unknown;
}

const BRAND = Symbol.for('dmabuf.DmaBufError');

/**
 * A refusal by the kernel or a heap. Wrong arguments are `TypeError` or `RangeError` instead.
 *
 * @example
 * ```ts
 * import { DmaBufError } from 'dmabuf';
 *
 * const error = new DmaBufError('Cannot map the buffer', { code: 'ENOMEM', syscall: 'mmap', values: { length: 4096 } });
 * console.log(error.code, error.errno, error.syscall, error.values['length']); // ENOMEM -12 mmap 4096
 * ```
 */
export class DmaBufError extends Error {
  /** As `Error.name`. */
  override readonly name = 'DmaBufError';
  /** The kernel's name of the refusal, such as `ENOMEM`, or `ERR_DMABUF_CLOSED`. */
  readonly code: DmaBufErrorCode;
  /** Negative, as Node has it; 0 where no kernel error number fits (`ERR_DMABUF_CLOSED`). */
  readonly errno: number;
  /** The system call that was refused; undefined where a heap refused by itself. */
  readonly syscall: string | undefined;
  /** The arguments of the call, by name: lengths in bytes, descriptors, paths. */
  readonly values: Readonly<Record<string, number | string>>;

  /** @throws {TypeError} when the message is not a string, or the code is not one of ours */
  constructor(message: string, fields: DmaBufErrorFields) {
    const { code, syscall, values, cause } = checkFields(fields);
    super(checkMessage(message), cause === undefined ? undefined : { cause });
    this.code = code;
    this.errno = errnoOf(code);
    this.syscall = syscall;
    this.values = { ...values };
    Object.defineProperty(this, BRAND, { value: true });
  }
}

function checkFields(fields: DmaBufErrorFields): DmaBufErrorFields {
  if (typeof fields === 'object' && fields !== null) return fields;
  throw wrongType({ action: 'make an error', name: 'fields' }, { must: 'be an object with a code', received: fields });
}

function checkMessage(message: unknown): string {
  if (typeof message === 'string') return message;
  throw wrongType({ action: 'make an error', name: 'message' }, { must: 'be a string', received: message });
}

function errnoOf(code: DmaBufErrorCode): number {
  if (code === 'ERR_DMABUF_CLOSED') return 0;
  if (typeof code === 'string' && Object.hasOwn(constants.errno, code)) return -constants.errno[code];
  throw wrongValue(
    { action: 'make an error', name: 'code' },
    { must: "be ERR_DMABUF_CLOSED or a kernel's, such as ENOMEM", received: code },
  );
}

/**
 * True for a {@link DmaBufError}, also one from another copy of this package; with `code`, only for
 * that code.
 *
 * @example
 * ```ts
 * import { isDmaBufError, openHeap } from 'dmabuf';
 *
 * const heap = openHeap('system');
 * heap.close();
 * try {
 *   heap.allocate(4096);
 * } catch (error) {
 *   if (!isDmaBufError(error)) throw error;
 *   console.log(error.code); // ERR_DMABUF_CLOSED
 * }
 * ```
 */
export function isDmaBufError<Code extends DmaBufErrorCode>(
  error: unknown,
  code?: Code,
): error is DmaBufError & {
  /** The requested code. */
  readonly code: Code;
} {
  // By a property and not by class: another realm has a class of its own.
  if (!types.isNativeError(error) || !Object.hasOwn(error, BRAND)) return false;
  return code === undefined || ('code' in error && error.code === code);
}

/** libc's second name for the kernel's EOPNOTSUPP, and the one that Node lists first. */
const NOT_A_KERNEL_NAME = 'ENOTSUP';

const ERRNO_NAMES: ReadonlyMap<number, ErrnoName> = new Map(
  // Of two names for a number, the first stays.
  (Object.keys(constants.errno) as ErrnoName[])
    .filter((name) => name !== NOT_A_KERNEL_NAME)
    .toReversed()
    .map((name) => [constants.errno[name], name]),
);

/**
 * The kernel's name for an error number as C has it (positive): `'ENOMEM'` for 12. A number without
 * a name is `'EIO'`.
 */
export function errnoName(errno: number): ErrnoName {
  return ERRNO_NAMES.get(errno) ?? 'EIO';
}
