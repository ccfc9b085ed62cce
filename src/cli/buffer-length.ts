import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import { formatSize, parseSize } from '../base/sizes.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import { UsageError } from './parse-arguments.ts';

/**
 * Reads the size of a buffer to allocate.
 *
 * @param example an example of such an argument, for the message: `new:64MiB`
 * @returns bytes, from 1
 * @throws {UsageError} for an invalid size, or one that a buffer cannot have
 */
export function parseBufferLength(text: string, example: string): number {
  const length = parseOrRefuse(text, example);
  const lengthMax = TABLE_PAGE_COUNT_MAX * new MemoryCalls().pageSize();
  if (length >= 1 && length <= lengthMax) return length;
  throw new UsageError(
    `Cannot use "${text}" as the size of a buffer as that is from one byte to less than ${formatSize(lengthMax + 1)}; for example ${example}`,
  );
}

function parseOrRefuse(text: string, example: string): number {
  try {
    return parseSize(text);
  } catch (cause) {
    // The library's message names its argument, which the command does not have.
    const why = (cause as Error).message.replace("'text' must be", `"${text}" must be`).replace(/, received .*$/u, '');
    throw new UsageError(`${why}; for example ${example}`, { cause });
  }
}
