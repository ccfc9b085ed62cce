/** The answer to `--help`, made from the description of a command. */

import { formatOption, optionsOf } from './command-description.ts';
import type { CommandDescription, OptionDescription } from './command-description.ts';
import { wrapText } from './table.ts';

/** A word or an option, and its meaning. */
interface Definition {
  readonly label: string;
  readonly text: string;
  readonly choices?: OptionDescription['choices'] | undefined;
}

const INDENT = '  ';
const GAP = '  ';
/** The text of longer labels stands below them. */
const LABEL_LENGTH_MAX = 12;
/** In fewer columns, every text stands below its label. */
const BESIDE_COLUMNS_MIN = 60;
const BELOW_INDENT = '      ';

/** The whole help of a command, in lines of at most `columns`. */
export function formatHelp(command: CommandDescription, columns: number): string[] {
  const { invocation, paragraphs, argument, notes = [], exitStatus } = command;
  const definitions = [...argumentDefinitions(argument), ...optionDefinitions(command)];
  return [
    ...formatUsage(invocation, usageParts(command), columns),
    ...paragraphs.flatMap((paragraph) => [''].concat(wrapText(paragraph, columns))),
    '',
    ...formatDefinitions(definitions, columns),
    ...[...notes, describeExitStatus(exitStatus)].flatMap((note) => [''].concat(wrapText(note, columns))),
  ];
}

/** The exit status of this command, and of every command. */
export function describeExitStatus(exitStatus: string): string {
  return `Exit status: ${exitStatus}; 2 when it was used wrongly.`;
}

/** The argument and the options in their written form: `[--heap NAME]`. */
export function usageParts({ argument, options }: Pick<CommandDescription, 'argument' | 'options'>): string[] {
  const ours = Object.entries(options).map(([name, option]) => `[${formatOption(name, option)}]`);
  if (argument === undefined) return ours;
  return argument.isCommandLine === true ? [...ours, argument.usage] : [argument.usage, ...ours];
}

/** A line per label, with its text beside it where that fits, or below it. */
export function formatDefinitions(definitions: readonly Definition[], columns: number): string[] {
  const short = definitions.map(({ label }) => label.length).filter((length) => length <= LABEL_LENGTH_MAX);
  const isBeside = columns >= BESIDE_COLUMNS_MIN;
  const indent = isBeside ? ' '.repeat(INDENT.length + Math.max(0, ...short) + GAP.length) : BELOW_INDENT;
  return definitions.flatMap(({ label, text, choices = [] }) => {
    const lines = wrapText(text, columns - indent.length).map((line) => indent + line);
    const head = INDENT + label;
    const withText =
      isBeside && label.length <= LABEL_LENGTH_MAX
        ? [head.padEnd(indent.length) + (lines[0] ?? '').slice(indent.length), ...lines.slice(1)]
        : [head, ...lines];
    return [...withText, ...choices.flatMap((choice) => formatChoice(choice, indent, columns))];
  });
}

function formatUsage(invocation: string, parts: readonly string[], columns: number): string[] {
  const begin = `Usage: ${invocation}`;
  const indent = ' '.repeat(Math.min(begin.length + 1, Math.floor(columns / 3)));
  const lines = [begin];
  for (const part of parts) {
    const line = `${lines.at(-1)} ${part}`;
    if (line.length <= columns) lines[lines.length - 1] = line;
    else lines.push(indent + part);
  }
  return lines;
}

function argumentDefinitions(argument: CommandDescription['argument']): Definition[] {
  return (argument?.forms ?? []).map(({ name, text }) => ({ label: name, text }));
}

function optionDefinitions(command: CommandDescription): Definition[] {
  return Object.entries(optionsOf(command)).map(([name, option]) => ({
    label: formatOption(name, option),
    text: option.text,
    choices: option.choices,
  }));
}

/** Choices without a text are named in the text of their option. */
function formatChoice(
  { name, text }: { readonly name: string; readonly text?: string },
  indent: string,
  columns: number,
): string[] {
  if (text === undefined) return [];
  const label = `${indent}${name}${GAP}`;
  return wrapText(text, columns - label.length).map(
    (line, index) => (index === 0 ? label : ' '.repeat(label.length)) + line,
  );
}
