/**
 * Inheritance by a child process: descriptors in places of its `stdio`, and environment variables
 * that announce them. Every descriptor is checked against its announcement.
 */

import type { StdioOptions } from 'node:child_process';

import { outOfRange, wrongType } from '../../base/argument-error.ts';
import { readOptions } from '../../base/check.ts';
import { DmaBufError } from '../../base/errors.ts';
import { readArray } from '../../base/read-array.ts';
import { show } from '../../base/show.ts';

/** One place of the `stdio` option of `child_process.spawn`. */
export type StdioSlot = Exclude<StdioOptions, string>[number];

/** Options for making places that a child inherits. */
export interface ForChildOptions {
  /**
   * The preceding places: at least those of stdin, stdout and stderr. Default: all three inherited.
   */
  readonly stdio?: readonly StdioSlot[] | undefined;
}

/** The source of the announcements. */
export interface TakeInheritedOptions {
  /**
   * Default: `process.env`. Taken variables are removed, so that no child of this process finds
   * them.
   */
  readonly env?: Record<string, string | undefined> | undefined;
}

/** stdin, stdout and stderr. */
export const STANDARD_PLACE_COUNT = 3;

/**
 * More descriptors than a process may have open, unless its limit was raised (`fs.nr_open` is
 * 1,048,576).
 */
const PLACE_COUNT_MAX = 65_536;

/** The places to add to. */
export function readStdio(options: ForChildOptions, action: string): readonly StdioSlot[] {
  const { stdio = ['inherit', 'inherit', 'inherit'] } = readOptions(options, action, ['stdio']);
  const places = readArray(stdio, { action, name: 'stdio', countMax: PLACE_COUNT_MAX }, (place) => place as StdioSlot);
  if (places.length >= STANDARD_PLACE_COUNT) return places;
  throw outOfRange(
    { action, name: 'stdio' },
    { must: `have at least ${STANDARD_PLACE_COUNT} places`, received: places },
  );
}

/** The environment. */
export function readEnvironment(options: TakeInheritedOptions, action: string): Record<string, string | undefined> {
  const { env = process.env } = readOptions(options, action, ['env']);
  if (env !== null && typeof env === 'object') return env;
  throw wrongType({ action, name: 'env' }, { must: 'be an object', received: env });
}

/** The value of an environment variable, once: `taken` removes it. */
export function readInherited(
  name: string,
  options: TakeInheritedOptions,
  action: string,
): { text: string; taken: () => void } {
  const env = readEnvironment(options, action);
  const text: unknown = env[name];
  if (text === undefined) {
    throw new DmaBufError(
      `Cannot ${action} as the environment variable ${name} is not set: the parent must spawn with the env and stdio it was given, and it can be taken once`,
      { code: 'ENOENT' },
    );
  }
  if (typeof text !== 'string') throw inheritanceRefusal(name, text, action);
  return {
    text,
    taken: () => {
      delete env[name];
    },
  };
}

/** The error for a variable that this package has not written. */
export function inheritanceRefusal(name: string, text: unknown, action: string): DmaBufError {
  return new DmaBufError(
    `Cannot ${action} as ${name} does not say what was inherited: current value is ${show(text)}`,
    {
      code: 'EPROTO',
    },
  );
}
