import type { TestContext } from 'node:test';

import type { GuestTest } from './guest-results.ts';

/** Declares each of `tests` here, with the result that it had where it ran. */
export async function declareResults(t: TestContext, tests: readonly GuestTest[]): Promise<void> {
  for (const { name, error, skip, todo, children } of tests) {
    const options = {
      ...(skip === undefined ? {} : { skip: skip || true }),
      ...(todo === undefined ? {} : { todo: todo || true }),
    };
    await t.test(name, options, async (t) => {
      await declareResults(t, children);
      if (error !== undefined) throw toError(error);
    });
  }
}

/** Says what was wrong there, without a stack of here. */
function toError(text: string): Error {
  const error = new Error(text);
  error.stack = text;
  return error;
}
