import { UsageError } from './parse-arguments.ts';

/**
 * The form of a heap's name: heaps are files of one folder.
 *
 * @throws {UsageError} for an invalid heap name
 */
export function checkHeapName(name: string): string {
  if (!/^\.{0,2}$|[/\0]/u.test(name)) return name;
  throw new UsageError(`Cannot use "${name}" as a heap as it cannot be the name of one: "dmabuf heaps" lists them`);
}
