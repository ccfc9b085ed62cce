/** The manual page, made from the descriptions of the commands. man 7 man describes the format. */

import { formatOption, optionsOf } from './command-description.ts';
import type { CommandDescription } from './command-description.ts';
import { describeExitStatus, usageParts } from './help-text.ts';
import { wrapText } from './table.ts';

/** Escapes make some lines slightly longer. */
const SOURCE_COLUMNS = 72;

/** An environment variable, or a file, and its meaning. */
export interface ManualEntry {
  readonly name: string;
  readonly text: string;
}

/** A program with several commands, for its manual page. */
interface Manual {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly paragraphs: readonly string[];
  readonly commands: readonly CommandDescription[];
  readonly exitStatus: readonly ManualEntry[];
  readonly environment: readonly ManualEntry[];
}

/** Section 1 of the manual: commands of users. */
export function formatManualPage({ name, version, summary, ...manual }: Manual): string[] {
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    '.SH NAME',
    `${escape(name)} \\- ${escape(summary)}`,
    '.SH SYNOPSIS',
    `.B ${escape(name)}`,
    String.raw`.I COMMAND`,
    String.raw`[\fIARGUMENT\fR]...`,
    '.SH DESCRIPTION',
    ...formatParagraphs(manual.paragraphs),
    '.SH COMMANDS',
    ...manual.commands.flatMap(formatCommand),
    '.SH EXIT STATUS',
    ...manual.exitStatus.flatMap(formatEntry),
    '.SH ENVIRONMENT',
    ...manual.environment.flatMap(formatEntry),
  ];
}

function formatCommand(command: CommandDescription): string[] {
  const { invocation, paragraphs, argument, notes = [], exitStatus } = command;
  const options = Object.entries(optionsOf(command));
  return [
    `.SS ${quote([invocation, ...usageParts(command)].join(' '))}`,
    ...formatParagraphs(paragraphs),
    ...(argument?.forms ?? []).flatMap(formatEntry),
    ...options.flatMap(([name, option]) =>
      formatEntry({ name: formatOption(name, option), text: option.text }).concat(formatChoices(option.choices)),
    ),
    ...[...notes, describeExitStatus(exitStatus)].flatMap((note) => ['.PP'].concat(formatText(note))),
  ];
}

function formatParagraphs(paragraphs: readonly string[]): string[] {
  return paragraphs.flatMap((paragraph, index) => (index === 0 ? [] : ['.PP']).concat(formatText(paragraph)));
}

function formatEntry({ name, text }: ManualEntry): string[] {
  return ['.TP', `.B ${escape(name)}`].concat(formatText(text));
}

/** Indented below its option. */
function formatChoices(choices: readonly { readonly name: string; readonly text?: string }[] = []): string[] {
  const told = choices.flatMap(({ name, text }) => (text === undefined ? [] : [{ name, text }]));
  return told.length === 0 ? [] : ['.RS', ...told.flatMap(formatEntry), '.RE'];
}

/** Lines of the source. The formatter wraps the text for the reader. */
function formatText(text: string): string[] {
  return wrapText(text, SOURCE_COLUMNS).map(escape);
}

/** Escapes a text for the formatter: no line begins with a dot, and every dash can be copied. */
function escape(text: string): string {
  const plain = text.replaceAll('\\', String.raw`\e`).replaceAll('-', String.raw`\-`);
  return /^[.']/u.test(plain) ? String.raw`\&${plain}` : plain;
}

/** An argument of a request. */
function quote(text: string): string {
  return `"${escape(text).replaceAll('"', '""')}"`;
}
