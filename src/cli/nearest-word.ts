/**
 * At most a third of a word may be wrong, otherwise it is another word. In short words, one letter.
 */
const LETTERS_A_MISTAKE = 3;

/**
 * The word of `words` that the user probably meant by `word`: the only one that begins with it, or
 * else the one with the fewest different letters. Undefined when none is close.
 */
export function nearestWord(word: string, words: readonly string[]): string | undefined {
  if (word === '') return undefined;
  const wanted = word.toLowerCase();
  const beginning = words.filter((candidate) => candidate.toLowerCase().startsWith(wanted));
  if (beginning.length === 1) return beginning[0];
  const byDistance = words
    .map((candidate) => ({ candidate, distance: countEdits(wanted, candidate.toLowerCase()) }))
    // Among equally close words, prefers the same beginning, which is seldom wrong.
    .toSorted(
      (one, other) =>
        one.distance - other.distance ||
        sharedBeginning(wanted, other.candidate) - sharedBeginning(wanted, one.candidate),
    );
  const [nearest] = byDistance;
  const editsMax = Math.max(1, Math.floor(wanted.length / LETTERS_A_MISTAKE));
  return nearest !== undefined && nearest.distance <= editsMax && nearest.distance < nearest.candidate.length
    ? nearest.candidate
    : undefined;
}

/**
 * The end of a message about `word`: `: did you mean NAME? See "COMMAND --help"`, or only where to
 * look.
 */
export function suggest(word: string, words: readonly string[], help: string): string {
  const nearest = nearestWord(word, words);
  return nearest === undefined ? `: see "${help}"` : `: did you mean ${nearest}? See "${help}"`;
}

function sharedBeginning(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

/**
 * The fewest letters to insert, remove, replace, or swap with their neighbour that turn one word
 * into the other (optimal string alignment).
 */
function countEdits(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (isSame ? 0 : 1),
          isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? 0;
}
