import { optionsOf } from '../command-description.ts';
import type { OptionDescription } from '../command-description.ts';
import { HEAP_FOLDER, STANDING_HEAP_NAMES } from './described-program.ts';
import type { DescribedProgram, NamedCommand } from './described-program.ts';
import { shortText } from './short-text.ts';

/**
 * The completion script for Zsh: a file `_NAME` of its `fpath`, or to be sourced after `compinit`.
 */
export function zshCompletion({ commands, options }: DescribedProgram): string[] {
  return [
    '#compdef dmabuf',
    '# Completions of dmabuf for Zsh. Made by "dmabuf completion zsh".',
    '',
    '_dmabuf_heaps() {',
    '  local -aU heaps',
    `  heaps=(${HEAP_FOLDER}/*(N:t) ${STANDING_HEAP_NAMES.join(' ')})`,
    '  compadd -a heaps',
    '}',
    '',
    '_dmabuf() {',
    '  if (( CURRENT == 2 )); then',
    '    local -a commands options',
    '    commands=(',
    ...commands.map((command) => `      ${quote(described(command.name, command.description.summary))}`),
    '    )',
    '    options=(',
    ...Object.entries(options).map(([option, text]) => `      ${quote(described(`--${option}`, text))}`),
    '    )',
    "    _describe -t commands 'command' commands -- options",
    '    return',
    '  fi',
    '  local command=$words[2]',
    '  shift words',
    '  (( CURRENT -= 1 ))',
    '  case $command in',
    ...commands.flatMap(commandCase).map((line) => `    ${line}`),
    '  esac',
    '}',
    '',
    `if [[ $funcstack[1] == _dmabuf ]]; then`,
    `  _dmabuf "$@"`,
    'else',
    '  compdef _dmabuf dmabuf',
    'fi',
  ];
}

function commandCase({ name, description }: NamedCommand): string[] {
  const options = Object.entries(optionsOf(description)).map(([option, one]) => `  ${quote(optionSpec(option, one))}`);
  const lines = [...options, ...argumentSpecs(description).map((spec) => `  ${quote(spec)}`)];
  return [`${name}) _arguments -S \\`, ...lines.slice(0, -1).map((line) => `${line} \\`), `${lines.at(-1)} ;;`];
}

/** `--mix=[text]:A..E:(A B)`. */
function optionSpec(name: string, option: OptionDescription): string {
  const explanation = `[${escape(shortText(option.text)).replaceAll(/[[\]]/gu, String.raw`\$&`)}]`;
  if (option.value === undefined) return `--${name}${explanation}`;
  // Zsh must find an optional value after "=". Otherwise it would take the next option for the
  // value.
  const [sign, colons] = option.isValueOptional === true ? ['=-', '::'] : ['=', ':'];
  return `--${name}${sign}${explanation}${colons}${escape(option.value)}:${valueAction(option)}`;
}

function valueAction({ choices, completion }: OptionDescription): string {
  if (choices !== undefined) return choiceAction(choices);
  if (completion === 'file') return '_files';
  return completion === 'heap' ? '_dmabuf_heaps' : ' ';
}

/** A list of words, each with its meaning where there is one. */
function choiceAction(choices: NonNullable<OptionDescription['choices']>): string {
  if (choices.some(({ text }) => text === undefined)) return `(${choices.map(({ name }) => name).join(' ')})`;
  const words = choices.map(({ name, text = '' }) => {
    const shown = shortText(text).replaceAll(/[\\():"'$` ]/gu, String.raw`\$&`);
    return `${name}\\:${shown}`;
  });
  return `((${words.join(' ')}))`;
}

function argumentSpecs({ argument }: NamedCommand['description']): string[] {
  if (argument === undefined) return [];
  const { suggestions = [], completion } = argument;
  if (completion !== 'file') return [argumentSpec(suggestions)];
  return suggestions.length === 0 ? ['*:file:_files'] : [argumentSpec(suggestions), '*:file:_files'];
}

/** After a word that ends in a colon, more text follows. */
function argumentSpec(suggestions: readonly string[]): string {
  if (suggestions.length === 0) return '::: ';
  if (suggestions.every((word) => word.endsWith(':'))) return `:: :{compadd -S "" -- ${suggestions.join(' ')}}`;
  return `:: :(${suggestions.join(' ')})`;
}

function described(word: string, text: string): string {
  return `${word}:${escape(text)}`;
}

/** Colons separate the parts of a specification. */
function escape(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll(':', String.raw`\:`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
