import { SUCCEEDED } from './command.ts';
import type { ExitStatus } from './command.ts';
import { COMMANDS, readVersion } from './commands.ts';
import { formatOverview, unknownCommand } from './help.ts';
import { formatHelp } from './help-text.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs `dmabuf` with the words that follow it.
 *
 * @throws {UsageError | CommandFailure | DmaBufError} with a message for the user
 */
export function runProgram(args: readonly string[], terminal: Terminal): ExitStatus | Promise<ExitStatus> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h') return printLines(formatOverview(COMMANDS, terminal.columns), terminal);
  if (name === '--version') return printLines([`dmabuf ${readVersion()}`], terminal);
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) throw unknownCommand(name, COMMANDS);
  if (asksForHelp(rest)) return printLines(formatHelp(command.description, terminal.columns), terminal);
  return command.run(rest, terminal);
}

/** Any other error of the arguments. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const options = end === -1 ? args : args.slice(0, end);
  return options.includes('--help') || options.includes('-h');
}

function printLines(lines: readonly string[], terminal: Terminal): ExitStatus {
  for (const line of lines) terminal.print(line);
  return SUCCEEDED;
}
