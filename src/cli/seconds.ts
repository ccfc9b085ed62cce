import { UsageError } from './parse-arguments.ts';

/**
 * A time limit of a command: `10` or `10s`.
 *
 * @throws {UsageError} for any other text
 */
export function readSeconds(text: string): number {
  const seconds = text.trim() === '' ? Number.NaN : Number(text.replace(/s$/u, ''));
  if (seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw new UsageError(`Cannot end after "${text}": --for must be a number of seconds, such as 10`);
}
