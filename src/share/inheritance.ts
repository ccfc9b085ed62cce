/**
 * What a child process inherits: descriptors in places of its `stdio`, and environment variables that say what they are. Every descriptor is
 * looked at before it is believed.
 */

import type { StdioOptions } from 'node:child_process';
import { inspect } from 'node:util';

import { checkOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';

/** One place of the `stdio` option of `child_process.spawn`. */
export type StdioSlot = Exclude<StdioOptions, string>[number];

/** Options of what makes places for a child to inherit. */
export interface InheritOptions {
  /** The places before: at least those of stdin, stdout and stderr. Default: all three inherited. */
  readonly stdio?: readonly StdioSlot[] | undefined;
}

/** Where to look for what was inherited. */
export interface InheritedOptions {
  /** Default: `process.env`. What was taken from it is removed, so that no child of this process looks for it. */
  readonly env?: Record<string, string | undefined> | undefined;
}

/** stdin, stdout and stderr. */
export const STANDARD_PLACE_COUNT = 3;

/** The places to add to. */
export function checkStdio(options: InheritOptions, what: string): readonly StdioSlot[] {
  checkOptions(options, what, ['stdio']);
  const { stdio = ['inherit', 'inherit', 'inherit'] } = options;
  if (Array.isArray(stdio) && stdio.length >= STANDARD_PLACE_COUNT) return stdio;
  throw new TypeError(
    `Cannot ${what} as stdio must be an array of at least ${STANDARD_PLACE_COUNT} places: current value is ${inspect(stdio)}`,
  );
}

/** What an environment variable says, once: it is removed by `taken`. */
export function readInherited(
  name: string,
  options: InheritedOptions,
  what: string,
): { text: string; taken: () => void } {
  checkOptions(options, what, ['env']);
  const { env = process.env } = options;
  const text = env[name];
  if (text === undefined) {
    throw new DmaBufError(
      `Cannot ${what} as the environment variable ${name} is not set: the parent must spawn with the env and stdio it was given, and it can be taken once`,
      { code: 'ENOENT' },
    );
  }
  return {
    text,
    taken: () => {
      delete env[name];
    },
  };
}

/** What an environment variable says is not what this package writes there. */
export function inheritanceRefusal(name: string, text: string, what: string): DmaBufError {
  return new DmaBufError(
    `Cannot ${what} as ${name} does not say what was inherited: current value is ${inspect(text)}`,
    {
      code: 'EPROTO',
    },
  );
}
