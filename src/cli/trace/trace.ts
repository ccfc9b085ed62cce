import { checkFiles } from '../callers/callers.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../parse-arguments.ts';
import { parseTraceWords, READING_ACTIONS, TRACE_DESCRIPTION } from './description.ts';
import { exportFiles } from './export-files.ts';
import { checkOptionPlaces } from './option-places.ts';
import { reportFiles } from './report-files.ts';
import { reportRecording } from './report-recording.ts';

export const traceCommand: Command = {
  name: 'trace',
  description: TRACE_DESCRIPTION,
  run: async (args, terminal) => {
    const { own, command } = splitCommand(args);
    const { options, words } = parseTraceWords(own);
    const [action, ...files] = words;
    if (action === undefined) {
      checkOptionPlaces('a recording', options);
      return await reportRecording(command, options, terminal);
    }
    if (action !== 'report' && action !== 'export') {
      const meant = `to record a command, write "-- ${words.join(' ')}"`;
      throw new UsageError(`Cannot tell what to do with "${action}": give report or export, or ${meant}`);
    }
    checkOptionPlaces(action, options);
    checkFiles(files, TRACE_DESCRIPTION.invocation);
    return action === 'export'
      ? await exportFiles(files, options, terminal)
      : await reportFiles(files, options, terminal);
  },
};

/** Words behind `--` are a command to record; where files are read, they are files. */
function splitCommand(args: readonly string[]): {
  readonly own: readonly string[];
  readonly command: readonly string[] | undefined;
} {
  const end = args.indexOf('--');
  const isReading = args.slice(0, end).some((word) => READING_ACTIONS.some((action) => action === word));
  if (end === -1 || isReading) return { own: args, command: undefined };
  return { own: args.slice(0, end), command: args.slice(end + 1) };
}
