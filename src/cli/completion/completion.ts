import { SUCCEEDED } from '../command.ts';
import type { Command } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { suggest } from '../nearest-word.ts';
import { parseArguments, UsageError } from '../parse-arguments.ts';
import { bashCompletion } from './bash.ts';
import type { DescribedProgram } from './described-program.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

type Shell = 'bash' | 'zsh' | 'fish';

const SCRIPTS: Readonly<Record<Shell, (program: DescribedProgram) => string[]>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};
const SHELLS = Object.keys(SCRIPTS) as Shell[];

const DESCRIPTION = {
  invocation: 'dmabuf completion',
  summary: 'prints what a shell needs to complete commands and options',
  paragraphs: [
    'Prints the completions of this command for a shell. Written to the file that is named below, they are there from the next shell on.',
  ],
  argument: {
    usage: 'SHELL',
    forms: [
      {
        name: 'bash',
        text: '~/.local/share/bash-completion/completions/dmabuf, which the package bash-completion reads; or source it in ~/.bashrc',
      },
      { name: 'zsh', text: '_dmabuf, in a folder of $fpath' },
      { name: 'fish', text: '~/.config/fish/completions/dmabuf.fish' },
    ],
    suggestions: SHELLS,
  },
  options: {},
  exitStatus: '0',
} as const satisfies CommandDescription;

/** `dmabuf completion`. `describe`: all commands, itself included. */
export function createCompletionCommand(describe: () => DescribedProgram): Command {
  return {
    name: 'completion',
    description: DESCRIPTION,
    run: (args, terminal) => {
      const shell = readShell(parseArguments(DESCRIPTION, args).words[0]);
      for (const line of SCRIPTS[shell](describe())) terminal.print(line);
      return SUCCEEDED;
    },
  };
}

function readShell(name: string | undefined): Shell {
  const shell = SHELLS.find((candidate) => candidate === name);
  if (shell !== undefined) return shell;
  const what = name === undefined ? 'without a shell' : `for "${name}"`;
  const ending = suggest(name ?? '', SHELLS, 'dmabuf completion --help');
  throw new UsageError(`Cannot print completions ${what} as SHELL must be one of ${SHELLS.join(', ')}${ending}`);
}
