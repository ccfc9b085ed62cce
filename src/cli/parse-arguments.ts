import { parseArgs } from 'node:util';

import { optionsOf } from './command-description.ts';
import type { CommandDescription, OptionDescription, OptionDescriptions } from './command-description.ts';
import { suggest } from './nearest-word.ts';

/** The command line is invalid. The message says what would be valid. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The allowed values of an option with choices. */
type ValueOf<Option extends OptionDescription> = Option extends { readonly choices: readonly { name: infer Name }[] }
  ? Name
  : string;

type GivenValue<Option extends OptionDescription> = Option extends { readonly isRepeatable: true }
  ? readonly ValueOf<Option>[]
  : Option extends { readonly isValueOptional: true }
    ? ValueOf<Option> | true | undefined
    : Option extends { readonly value: string }
      ? ValueOf<Option> | undefined
      : boolean;

/** The result of {@link parseArguments}. */
export interface ParsedArguments<Options extends OptionDescriptions> {
  /**
   * By the names of the options: whether a switch was given, or the value; `true` for an omitted
   * optional value.
   */
  readonly options: { readonly [Name in keyof Options]: GivenValue<Options[Name]> };
  readonly isHelp: boolean;
  /** The words that are not options. For an argument that is a command line: all of it. */
  readonly words: readonly string[];
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

/**
 * Reads the arguments of a command. If an option is repeated that may not be, the last one counts.
 *
 * @throws {UsageError} for an unknown option, a missing, superfluous or invalid value, and for more
 *   words than the command takes
 */
export function parseArguments<const Options extends OptionDescriptions>(
  command: Pick<CommandDescription<Options>, 'invocation' | 'options' | 'argument'>,
  args: readonly string[],
): ParsedArguments<Options> {
  const known = optionsOf(command);
  const { tokens } = parseArgs({ args: [...args], options: toNodeOptions(known), strict: false, tokens: true });
  const isCommandLine = command.argument?.isCommandLine === true;
  const reading = new Reading(command.invocation, known);
  const words: string[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'option') reading.take(token, tokens[index + 1]);
    else if (reading.hasTaken(token)) continue;
    else if (isCommandLine) return reading.result(args.slice(token.index + (token.kind === 'positional' ? 0 : 1)));
    else if (token.kind === 'positional') words.push(token.value);
  }
  if (!reading.isHelp) checkWordCount(command, words);
  return reading.result(words);
}

function toNodeOptions(known: OptionDescriptions): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  return Object.fromEntries(
    Object.entries(known).map(([name, { value, isValueOptional, short }]) => [
      name,
      {
        type: value !== undefined && isValueOptional !== true ? 'string' : 'boolean',
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
}

/** The options of one command line, during the reading. */
class Reading {
  readonly #invocation: string;
  readonly #known: OptionDescriptions;
  readonly #given = new Map<string, (string | true)[]>();
  /** The word that contained the option. */
  #takenIndex: number | undefined;

  constructor(invocation: string, known: OptionDescriptions) {
    this.#invocation = invocation;
    this.#known = known;
  }

  get isHelp(): boolean {
    return this.#given.has('help');
  }

  take(token: OptionToken, next: Token | undefined): void {
    const option = Object.hasOwn(this.#known, token.name) ? this.#known[token.name] : undefined;
    if (option === undefined) throw this.#unknown(token.rawName);
    const value = this.#valueOf(token, option, next);
    this.#given.set(token.name, [...(this.#given.get(token.name) ?? []), value]);
  }

  hasTaken({ index }: Token): boolean {
    return index === this.#takenIndex;
  }

  result<Options extends OptionDescriptions>(words: readonly string[]): ParsedArguments<Options> {
    const options = Object.entries(this.#known).map(([name, { value, isRepeatable }]) => {
      const given = this.#given.get(name) ?? [];
      if (isRepeatable === true) return [name, given];
      return [name, value === undefined ? given.length > 0 : given.at(-1)];
    });
    return {
      options: Object.fromEntries(options) as ParsedArguments<Options>['options'],
      isHelp: this.isHelp,
      words,
    };
  }

  #valueOf(
    { rawName, index, value, inlineValue }: OptionToken,
    option: OptionDescription,
    next?: Token,
  ): string | true {
    if (option.value === undefined) {
      if (value === undefined) return true;
      throw this.#refusal(`use ${rawName}=${value} as ${rawName} takes no value`);
    }
    if (option.isValueOptional === true) {
      const given = value ?? (next?.kind === 'positional' && next.index === index + 1 ? next.value : undefined);
      if (value === undefined && given !== undefined) this.#takenIndex = index + 1;
      return given === undefined ? true : this.#choose(rawName, option, given);
    }
    if (value === undefined) throw this.#refusal(`use ${rawName} as its ${option.value} is missing`);
    if (!inlineValue && /^-./u.test(value)) {
      const meant = `${rawName}=${value}`;
      throw this.#refusal(
        `use ${rawName} as its ${option.value} is missing: where "${value}" is meant, write ${meant}`,
        '',
      );
    }
    return this.#choose(rawName, option, value);
  }

  #choose(rawName: string, { choices, value: form }: OptionDescription, value: string): string {
    if (value === '')
      throw this.#refusal(`use ${rawName} as its ${form} is empty: is a variable of the shell unset?`, '');
    if (choices === undefined) return value;
    const names = choices.map(({ name }) => name);
    const chosen =
      names.find((name) => name === value) ??
      names.find((name) => name === value.toLowerCase() || name === value.toUpperCase());
    if (chosen !== undefined) return chosen;
    throw this.#refusal(
      `use "${value}" for ${rawName} as it must be one of ${names.join(', ')}`,
      suggest(value, names, this.#help),
    );
  }

  #unknown(rawName: string): UsageError {
    const names = Object.keys(this.#known).map((name) => `--${name}`);
    // For `-json`, `-j` was read.
    const meant = rawName.replace(/^-(?!-)/u, '--');
    const what = `use ${rawName} as ${withoutDashes(this.#invocation)} has no such option`;
    return this.#refusal(what, suggest(meant, names, this.#help));
  }

  #refusal(what: string, ending = `: see "${this.#help}"`): UsageError {
    return new UsageError(`Cannot ${what}${ending}`);
  }

  get #help(): string {
    return `${this.#invocation} --help`;
  }
}

/** `npm run vm` for `npm run vm --`. */
function withoutDashes(invocation: string): string {
  return invocation.replace(/ --$/u, '');
}

function checkWordCount(
  { invocation, argument }: Pick<CommandDescription, 'invocation' | 'argument'>,
  words: readonly string[],
): void {
  if (words.includes(''))
    throw new UsageError(
      `Cannot use an empty argument for ${withoutDashes(invocation)}: is a variable of the shell unset?`,
    );
  const surplus = argument?.isRepeatable === true ? undefined : words[argument === undefined ? 0 : 1];
  if (surplus === undefined) return;
  throw new UsageError(
    `Cannot use "${surplus}" as ${withoutDashes(invocation)} takes no such argument: see "${invocation} --help"`,
  );
}
