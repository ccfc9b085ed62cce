/**
 * Runs `body` after a `begin` that has happened, and `end` on every exit.
 *
 * @throws what `body` or `end` threw; an `AggregateError` of both when both did
 */
export function endAfter<Result>(body: () => Result, end: () => void): Result {
  let result: Result;
  try {
    result = body();
  } catch (error) {
    endAfterFailure(error, end);
    throw error;
  }
  end();
  return result;
}

/** As {@link endAfter}, for an asynchronous body. */
export async function endAfterAsync<Result>(body: () => Promise<Result> | Result, end: () => void): Promise<Result> {
  let result: Result;
  try {
    result = await body();
  } catch (error) {
    endAfterFailure(error, end);
    throw error;
  }
  end();
  return result;
}

function endAfterFailure(error: unknown, end: () => void): void {
  try {
    end();
  } catch (endError) {
    throw new AggregateError([error, endError], 'What ran and what ends it both failed', {
      cause: endError,
    });
  }
}
