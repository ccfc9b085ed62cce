/**
 * The paths that match any of the patterns, each once, in the patterns' order. `*` stands for any
 * part of a name.
 *
 * @throws Error when a pattern matches none
 */
export function filesMatching(paths: readonly string[], patterns: readonly string[]): string[] {
  const matching = patterns.flatMap((pattern) => {
    const [first = '', ...rest] = pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/gu, String.raw`\$&`));
    const expression = new RegExp(`^${[first, ...rest].join('[^/]*')}$`, 'u');
    const found = paths.filter((path) => expression.test(path)).toSorted();
    if (found.length === 0) throw new Error(`No compiled test file matches ${pattern}`);
    return found;
  });
  return [...new Set(matching)];
}
