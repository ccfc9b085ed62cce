import { inspect } from 'node:util';
import type { InspectOptions } from 'node:util';

/**
 * A caller's value, for a message. An error that the value throws when inspected does not replace
 * the message.
 */
export function show(value: unknown, options: InspectOptions = {}): string {
  try {
    return inspect(value, options);
  } catch {
    return `a value of type ${typeof value} that cannot be shown`;
  }
}
