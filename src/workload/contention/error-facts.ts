import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { ErrorFacts } from './party-messages.ts';

/** An error as it can be passed on to another thread or process. */
export function toErrorFacts(error: unknown): ErrorFacts {
  if (!(error instanceof Error)) return { message: String(error), stack: undefined };
  const { message, stack } = error;
  if (!isDmaBufError(error)) return { message, stack };
  return { message, stack, refusal: { code: error.code, syscall: error.syscall } };
}

/** The error again, with the stack that it had. */
export function fromErrorFacts({ message, stack, refusal }: ErrorFacts): Error {
  const error = refusal === undefined ? new Error(message) : new DmaBufError(message, fieldsOf(refusal));
  if (stack !== undefined) error.stack = stack;
  return error;
}

function fieldsOf({ code, syscall }: NonNullable<ErrorFacts['refusal']>): ConstructorParameters<typeof DmaBufError>[1] {
  return { code, ...(syscall === undefined ? {} : { syscall }) };
}
