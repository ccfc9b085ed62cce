import type { Command } from './command.ts';
import { SUCCEEDED } from './command.ts';
import type { CommandDescription } from './command-description.ts';
import { formatDefinitions, formatHelp } from './help-text.ts';
import { formatManualPage } from './manual-page.ts';
import type { ManualEntry } from './manual-page.ts';
import { nearestWord, suggest } from './nearest-word.ts';
import { parseArguments, UsageError } from './parse-arguments.ts';
import { wrapText } from './table.ts';

const SUMMARY = 'Zero-copy buffers on Linux: dma-bufs, scatter-gather tables, contiguous views';

/** The options in place of a command. */
export const PROGRAM_OPTIONS: Readonly<Record<string, string>> = {
  help: 'how the command is used',
  version: 'which version this is',
};

const EXIT_STATUS: readonly ManualEntry[] = [
  { name: '0', text: 'the command did what it was asked for' },
  { name: '1', text: 'it failed: a line on standard error says why, and what would help' },
  { name: '2', text: 'it was used wrongly: the line says what is understood instead' },
  {
    name: '70',
    text: 'it is broken: a bug. The line says what to report; with NODE_DEBUG=dmabuf, where it happened follows',
  },
  { name: '130', text: 'Ctrl-C ended it, as a shell shows it; ls --watch ends with 0 then' },
];

const ENVIRONMENT: readonly ManualEntry[] = [
  { name: 'COLUMNS', text: 'how wide text may be, from 40 to 80 columns; without it, as wide as the terminal' },
  {
    name: 'LC_ALL, LC_CTYPE, LANG',
    text: 'the first that is set names the locale: without UTF-8 in it, such as C, all output is ASCII, pictures and JSON too',
  },
  { name: 'NO_COLOR', text: 'when it is not empty, nothing is emphasized; nor is it where output is no terminal' },
  { name: 'NODE_DEBUG', text: 'with dmabuf in it, a bug is reported with the place in the program where it happened' },
];

const JSON_NOTE =
  'What --json prints names its format; the schema of each is in docs/schemas of the package. Sizes, such as 64MiB, 64M or ' +
  '1.5GiB, count in powers of two; 64MB, which may mean either, is refused.';

/** The answer to an unknown command. */
export function unknownCommand(name: string | undefined, commands: readonly Command[]): UsageError {
  const names = commands.map((command) => command.name);
  const what = name === undefined ? 'Cannot run without a command' : `Cannot run "${name}" as it is no command`;
  if (name !== undefined && nearestWord(name, names) !== undefined)
    return new UsageError(`${what}${suggest(name, names, 'dmabuf --help')}`);
  return new UsageError(`${what}: its commands are ${names.join(', ')}; see "dmabuf --help"`);
}

/** The answer to `dmabuf --help`. */
export function formatOverview(commands: readonly Command[], columns: number): string[] {
  return [
    'Usage: dmabuf COMMAND [ARGUMENT]...',
    '',
    ...wrapText(`${SUMMARY}.`, columns),
    '',
    ...formatDefinitions(
      commands.map(({ name, description }) => ({ label: name, text: description.summary })),
      columns,
    ),
    '',
    ...wrapText(
      '"dmabuf help COMMAND" tells what a command takes, "dmabuf --version" which version this is, "dmabuf help --man" is a manual page.',
      columns,
    ),
    '',
    ...wrapText(JSON_NOTE, columns),
    '',
    'Exit status:',
    ...formatDefinitions(EXIT_STATUS.map(toDefinition), columns),
    '',
    'Environment:',
    ...formatDefinitions(ENVIRONMENT.map(toDefinition), columns),
  ];
}

function toDefinition({ name, text }: ManualEntry): { readonly label: string; readonly text: string } {
  return { label: name, text };
}

const HELP_DESCRIPTION = {
  invocation: 'dmabuf help',
  summary: 'tells what a command takes',
  paragraphs: [
    'Tells what a command takes, as "dmabuf COMMAND --help" does; without COMMAND, which commands there are.',
  ],
  argument: { usage: '[COMMAND]', forms: [{ name: 'COMMAND', text: 'one of those that "dmabuf help" lists' }] },
  options: { man: { text: 'the manual page of all commands instead, for "man -l"' } },
  exitStatus: '0',
} as const satisfies CommandDescription;

/** `dmabuf help`. `list`: all commands, itself included. */
export function createHelpCommand(list: () => readonly Command[], readVersion: () => string): Command {
  return {
    name: 'help',
    get description(): CommandDescription {
      const { argument } = HELP_DESCRIPTION;
      return { ...HELP_DESCRIPTION, argument: { ...argument, suggestions: list().map(({ name }) => name) } };
    },
    run: (args, terminal) => {
      const { options, words } = parseArguments(HELP_DESCRIPTION, args);
      const [name] = words;
      const lines = options.man ? manualPage(list(), readVersion()) : helpOn(name, list(), terminal.columns);
      for (const line of lines) terminal.print(line);
      return SUCCEEDED;
    },
  };
}

function helpOn(name: string | undefined, commands: readonly Command[], columns: number): string[] {
  if (name === undefined) return formatOverview(commands, columns);
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) throw unknownCommand(name, commands);
  return formatHelp(command.description, columns);
}

function manualPage(commands: readonly Command[], version: string): string[] {
  return formatManualPage({
    name: 'dmabuf',
    version,
    summary: SUMMARY,
    paragraphs: [`${SUMMARY}.`, JSON_NOTE],
    commands: commands.map(({ description }) => description),
    exitStatus: EXIT_STATUS,
    environment: ENVIRONMENT,
  });
}
