/** What the body of a macro does with a word. The body may be no C by itself, so words are read. */

/** A word in the body of a macro. */
type MacroUse =
  | 'call' // word(…), or nothing but the word
  | { readonly sets: string } // .member = word
  | undefined;

const TOKEN = /[A-Za-z_]\w*|->|##|[^\s\w\\]/gu;

function tokensOf(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

/** @param body of a macro, without comments */
export function macroUses(body: string, word: string): Exclude<MacroUse, undefined>[] {
  const tokens = tokensOf(body);
  if (tokens.length === 1 && tokens[0] === word) return ['call'];
  return tokens.flatMap((token, index) => (token === word ? (useAt(tokens, index) ?? []) : []));
}

function useAt(tokens: readonly string[], index: number): MacroUse {
  const [before, next] = [tokens[index - 1], tokens[index + 1]];
  if (next === '(') return before === '.' || before === '->' || before === '##' ? undefined : 'call';
  const member = tokens[index - 2];
  const isSet = before === '=' && tokens[index - 3] === '.' && member !== undefined;
  return isSet ? { sets: member } : undefined;
}

/** A parameter of a macro that is called: by itself, or as a member of what stands before it. */
interface CalledParameter {
  readonly index: number;
  /** The last word before the `->`; undefined where the parameter itself is the function. */
  readonly holder: string | undefined;
}

/** Which of its parameters a macro calls, as `op` in `(vb)->mem_ops->op(args)`. */
export function calledParameters(parameters: readonly string[], body: string): CalledParameter[] {
  const tokens = tokensOf(body);
  return parameters.flatMap((name, index) =>
    tokens.flatMap((token, at) => {
      if (token !== name || tokens[at + 1] !== '(') return [];
      const before = tokens[at - 1];
      const isMember = before === '->' || before === '.';
      return [{ index, holder: isMember ? (holderBefore(tokens, at - 2) ?? '') : undefined }];
    }),
  );
}

/** Members called by their name in a macro, as `vmap` in `(obj)->ops->vmap(obj)`. */
export function memberCallHolders(body: string, member: string): string[] {
  const tokens = tokensOf(body);
  return tokens.flatMap((token, at) => {
    const before = tokens[at - 1];
    const isCall = token === member && tokens[at + 1] === '(' && (before === '->' || before === '.');
    return isCall ? [holderBefore(tokens, at - 2) ?? ''] : [];
  });
}

/** The word that ends at `at`: past parentheses, as of `(ops)->f`. */
function holderBefore(tokens: readonly string[], at: number): string | undefined {
  let index = at;
  while (tokens[index] === ')') index--;
  const token = tokens[index];
  return token !== undefined && /^\w/u.test(token) ? token : undefined;
}
