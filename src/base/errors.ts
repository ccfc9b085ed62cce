import { constants } from 'node:os';

/** The name of a kernel error number: `'ENOMEM'`, `'EACCES'`, … */
export type ErrnoName = keyof typeof constants.errno;

/** Every `code` that a {@link DmaBufError} may carry. `ERR_DMABUF_CLOSED`: used after close. The rest are the kernel's names. */
export type DmaBufErrorCode = ErrnoName | 'ERR_DMABUF_CLOSED';

/** What a {@link DmaBufError} is built from. */
export interface DmaBufErrorFields {
  readonly code: DmaBufErrorCode;
  /** The system call that refused, or the one that was spared because it would have. */
  readonly syscall?: string;
  /** The values behind the refusal, by name: what was asked, what there is, which limit. */
  readonly values?: Readonly<Record<string, number | string>>;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('dmabuf.DmaBufError');

/** What the kernel or a heap refused. Wrong arguments are `TypeError` or `RangeError` instead. */
export class DmaBufError extends Error {
  override readonly name = 'DmaBufError';
  readonly code: DmaBufErrorCode;
  /** Negative, as Node has it; 0 where no kernel error number fits (`ERR_DMABUF_CLOSED`). */
  readonly errno: number;
  readonly syscall: string | undefined;
  readonly values: Readonly<Record<string, number | string>>;

  constructor(message: string, fields: DmaBufErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.errno = fields.code === 'ERR_DMABUF_CLOSED' ? 0 : -constants.errno[fields.code];
    this.syscall = fields.syscall;
    this.values = { ...fields.values };
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** True for a {@link DmaBufError}, also one from another copy of this package; with `code`, only for that code. */
export function isDmaBufError<Code extends DmaBufErrorCode>(
  error: unknown,
  code?: Code,
): error is DmaBufError & { readonly code: Code } {
  if (!(error instanceof Error) || !(BRAND in error)) return false;
  return code === undefined || ('code' in error && error.code === code);
}

/** libc's second name for the kernel's EOPNOTSUPP, and the one that Node lists first. */
const NOT_A_KERNEL_NAME = 'ENOTSUP';

/** The kernel's name for an error number as C has it (positive): `'ENOMEM'` for 12. A number without a name is `'EIO'`. */
export function errnoName(errno: number): ErrnoName {
  const names = Object.keys(constants.errno) as ErrnoName[];
  return names.find((name) => constants.errno[name] === errno && name !== NOT_A_KERNEL_NAME) ?? 'EIO';
}
