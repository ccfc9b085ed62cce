import { optionsOf } from '../command-description.ts';
import type { OptionDescription } from '../command-description.ts';
import { HEAP_FOLDER, STANDING_HEAP_NAMES } from './described-program.ts';
import type { DescribedProgram, NamedCommand } from './described-program.ts';

/** The completion script for Bash (4.0 and later). Needs no other package. */
export function bashCompletion({ commands, options }: DescribedProgram): string[] {
  const words = [...commands.map((command) => command.name), ...Object.keys(options).map((option) => `--${option}`)];
  return [
    '# Completions of dmabuf for Bash. Made by "dmabuf completion bash".',
    '',
    '_dmabuf_heaps() {',
    `  command ls ${HEAP_FOLDER} 2>/dev/null`,
    `  printf '%s\\n' ${STANDING_HEAP_NAMES.join(' ')}`,
    '}',
    '',
    '_dmabuf() {',
    '  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=',
    '  # "--heap=NAME" comes as three words.',
    '  [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD-2]}',
    '  [[ $current == = ]] && current=',
    '  COMPREPLY=()',
    '  if (( COMP_CWORD == 1 )); then',
    `    words='${words.join(' ')}'`,
    '  else',
    '    case "$command $previous" in',
    ...commands.flatMap(valueCases).map((line) => `      ${line}`),
    '    esac',
    '    case $command in',
    ...commands.map((command) => `      ${wordCase(command)}`),
    '    esac',
    '  fi',
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
    '  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace',
    '  return 0',
    '}',
    '',
    'complete -F _dmabuf dmabuf',
  ];
}

/** After an option that requires a value, only the value can follow. */
function valueCases({ name, description }: NamedCommand): string[] {
  return Object.entries(optionsOf(description)).flatMap(([option, { value, isValueOptional, ...rest }]) => {
    if (value === undefined || isValueOptional === true) return [];
    return [`'${name} --${option}') ${completeValue(rest)}; return 0 ;;`];
  });
}

function completeValue({ choices, completion }: Pick<OptionDescription, 'choices' | 'completion'>): string {
  if (choices !== undefined) return fromWords(`'${choices.map(({ name }) => name).join(' ')}'`);
  if (completion === 'file') return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")';
  return completion === 'heap' ? fromWords('"$(_dmabuf_heaps)"') : ':';
}

function fromWords(words: string): string {
  return `mapfile -t COMPREPLY < <(compgen -W ${words} -- "$current")`;
}

/** Offers options when one was begun, or when there is nothing else to offer. */
function wordCase({ name, description }: NamedCommand): string {
  const options = Object.keys(optionsOf(description))
    .map((option) => `--${option}`)
    .join(' ');
  const suggestions = description.argument?.suggestions ?? [];
  if (description.argument?.completion === 'file') {
    const files = `compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -W '${suggestions.join(' ')}' -- "$current")`;
    return `${name}) if [[ $current == -* ]]; then words='${options}'; else ${files}; return 0; fi ;;`;
  }
  if (suggestions.length === 0) return `${name}) words='${options}' ;;`;
  return `${name}) if [[ $current == -* ]]; then words='${options}'; else words='${suggestions.join(' ')}'; fi ;;`;
}
