/**
 * Commands and their options, described once: the parser, the help, the manual page and the
 * completions of shells are made from the same description.
 */

/** One of the allowed values. */
interface Choice<Name extends string = string> {
  readonly name: Name;
  /** Its meaning, for the help. Absent: the name explains it. */
  readonly text?: string;
}

/** An option. {@link OptionDescriptions} has its name, without the two dashes. */
export interface OptionDescription {
  /** Its effect: the beginning of a sentence. Shells show its first clause. */
  readonly text: string;
  /** A short form of one letter: `-h`. */
  readonly short?: string;
  /** The name of its value in the help: `FILE`. Absent: it takes no value. */
  readonly value?: string;
  readonly isValueOptional?: true;
  /** Whether it may be given more than once. */
  readonly isRepeatable?: true;
  /** The allowed values, in either case: `--mix b`. */
  readonly choices?: readonly Choice[];
  /** The kind of value that a shell completes, where there are no choices. */
  readonly completion?: ValueCompletion;
}

/** `heap`: the names of this machine's heaps. */
type ValueCompletion = 'file' | 'heap';

/** Options by name. */
export type OptionDescriptions = Readonly<Record<string, OptionDescription>>;

/** The arguments of a command besides options. */
interface ArgumentDescription {
  /** The form in the help: `[SIZE]`, or `FD|PID:FD|new:SIZE`. */
  readonly usage: string;
  /** Each possible form, and its meaning. */
  readonly forms: readonly { readonly name: string; readonly text: string }[];
  /** Prefixes or words for a shell to offer. After those that end in `:`, more text follows. */
  readonly suggestions?: readonly string[];
  /** Any number of words, where others take one. */
  readonly isRepeatable?: true;
  /** What a shell is to complete it with, besides the suggestions. */
  readonly completion?: 'file';
  /**
   * Whether the argument is a command line of its own, whose options belong to it: the command's
   * own options end where it begins.
   */
  readonly isCommandLine?: true;
}

/** A command, described once for all uses. */
export interface CommandDescription<Options extends OptionDescriptions = OptionDescriptions> {
  /** The words that call it: `dmabuf ls`, or `npm run vm --`. */
  readonly invocation: string;
  /** One line for a list of commands. */
  readonly summary: string;
  /** Its description, in paragraphs. */
  readonly paragraphs: readonly string[];
  readonly argument?: ArgumentDescription;
  /** In the order of the help. `--help` is added to them. */
  readonly options: Options;
  /** The text after the options. */
  readonly notes?: readonly string[];
  /** The meanings of its exit status, without those of every command: clauses. */
  readonly exitStatus: string;
}

/** The option of every command. */
const HELP_OPTION: OptionDescription = { short: 'h', text: 'this text' };

/** All options of a command. */
export function optionsOf({ options }: Pick<CommandDescription, 'options'>): OptionDescriptions {
  return { ...options, help: HELP_OPTION };
}

/** `--heap NAME`, `--watch [SECONDS]`, `--json`. */
export function formatOption(name: string, { value, isValueOptional }: OptionDescription): string {
  if (value === undefined) return `--${name}`;
  return isValueOptional === true ? `--${name} [${value}]` : `--${name} ${value}`;
}
