import { optionsOf } from '../command-description.ts';
import type { OptionDescription } from '../command-description.ts';
import { HEAP_FOLDER, STANDING_HEAP_NAMES } from './described-program.ts';
import type { DescribedProgram, NamedCommand } from './described-program.ts';
import { shortText } from './short-text.ts';

/** The completion script for fish: a file NAME.fish among its completions. */
export function fishCompletion({ commands, options }: DescribedProgram): string[] {
  const complete = `complete -c dmabuf`;
  const atFirst = `${complete} -n __dmabuf_has_no_command`;
  return [
    '# Completions of dmabuf for fish. Made by "dmabuf completion fish".',
    '',
    'function __dmabuf_has_no_command',
    '    test (count (commandline -opc)) -eq 1',
    'end',
    '',
    'function __dmabuf_command_is',
    '    set -l words (commandline -opc)',
    '    test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"',
    'end',
    '',
    'function __dmabuf_heaps',
    `    for path in ${HEAP_FOLDER}/*`,
    "        string replace -r '.*/' '' $path",
    '    end',
    `    printf '%s\\n' ${STANDING_HEAP_NAMES.join(' ')}`,
    'end',
    '',
    `${complete} -f`,
    ...Object.entries(options).map(([option, text]) => `${atFirst} -l ${option} -d ${quote(text)}`),
    ...commands.map((command) => `${atFirst} -a ${command.name} -d ${quote(command.description.summary)}`),
    ...commands.flatMap((command) => commandLines(command, `${complete} -n '__dmabuf_command_is ${command.name}'`)),
  ];
}

function commandLines({ description }: NamedCommand, complete: string): string[] {
  const suggestions = description.argument?.suggestions ?? [];
  return [
    ...(suggestions.length === 0 ? [] : [`${complete} -a ${quote(suggestions.join(' '))}`]),
    ...(description.argument?.completion === 'file' ? [`${complete} -F`] : []),
    ...Object.entries(optionsOf(description)).map(([name, option]) => {
      const short = option.short === undefined ? '' : ` -s ${option.short}`;
      return `${complete} -l ${name}${short}${valueWords(option)} -d ${quote(shortText(option.text))}`;
    }),
  ];
}

/** `-x`: a required value that is not a file; `-r -F`: a required value that is one. */
function valueWords({ value, isValueOptional, choices, completion }: OptionDescription): string {
  if (value === undefined || isValueOptional === true) return '';
  if (choices !== undefined) return ` -x -a ${quote(choices.map(formatChoice).join(' '))}`;
  if (completion === 'file') return ' -r -F';
  return completion === 'heap' ? " -x -a '(__dmabuf_heaps)'" : ' -x';
}

/** fish splits the list into words: `A\t"what it means"`. */
function formatChoice({ name, text }: { readonly name: string; readonly text?: string }): string {
  if (text === undefined) return name;
  return `${name}\\t"${shortText(text).replaceAll(/["$\\]/gu, String.raw`\$&`)}"`;
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/gu, String.raw`\$&`)}'`;
}
