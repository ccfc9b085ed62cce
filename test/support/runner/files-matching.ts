/**
 * The paths that match any of the patterns, each once, in the patterns' order. `*` stands for any
 * part of a name; a pattern behind `!` takes away what it matches.
 *
 * @throws Error when a pattern matches none
 */
export function filesMatching(paths: readonly string[], patterns: readonly string[]): string[] {
  const taken = new Set(
    patterns.filter((pattern) => pattern.startsWith('!')).flatMap((pattern) => allMatching(paths, pattern.slice(1))),
  );
  const matching = patterns
    .filter((pattern) => !pattern.startsWith('!'))
    .flatMap((pattern) => allMatching(paths, pattern));
  return [...new Set(matching)].filter((path) => !taken.has(path));
}

function allMatching(paths: readonly string[], pattern: string): string[] {
  const [first = '', ...rest] = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/gu, String.raw`\$&`));
  const expression = new RegExp(`^${[first, ...rest].join('[^/]*')}$`, 'u');
  const found = paths.filter((path) => expression.test(path)).toSorted();
  if (found.length === 0) throw new Error(`No compiled test file matches ${pattern}`);
  return found;
}
