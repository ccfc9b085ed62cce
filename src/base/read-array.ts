import { wrongType } from './argument-error.ts';
import type { Argument } from './argument-error.ts';
import { checkInteger } from './check.ts';
import { UINT_MAX } from './limits.ts';

/** An array, and how long it may be. */
interface ArrayArgument extends Argument {
  /** Needed where any value is a valid element: a proxy may have an element at every index. */
  readonly countMax?: number;
}

/**
 * The elements of an array, as a plain array. The length and each element are read once, by
 * `readElement`, which checks them. The array may be a proxy, have getters, or be of a class whose
 * methods do anything.
 */
export function readArray<Element>(
  value: unknown,
  { action, name, countMax = UINT_MAX }: ArrayArgument,
  readElement: (element: unknown, index: number) => Element,
): Element[] {
  if (!Array.isArray(value)) throw wrongType({ action, name }, { must: 'be an array', received: value });
  const source: readonly unknown[] = value;
  const length = checkInteger(source.length, { action, name: `${name}.length`, min: 0, max: countMax });
  const elements: Element[] = [];
  for (let index = 0; index < length; index += 1) elements.push(readElement(source[index], index));
  return elements;
}
