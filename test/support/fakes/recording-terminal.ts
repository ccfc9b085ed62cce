import type { Terminal } from '../../../src/cli/terminal.ts';

/** A terminal of 80 columns that shows nothing. */
export interface RecordingTerminal {
  readonly terminal: Terminal;
  /** What was printed, a line or several at a time. */
  readonly printed: string[];
  /** The progress that was shown, in its order; an empty line where it was cleared. */
  readonly shown: string[];
}

export function recordingTerminal(): RecordingTerminal {
  const [printed, shown]: [string[], string[]] = [[], []];
  const same = (text: string): string => text;
  const terminal: Terminal = {
    columns: 80,
    print: (line = '') => void printed.push(line),
    writeJson: (text) => void printed.push(text),
    printError: (line) => void printed.push(line),
    bold: same,
    dim: same,
    showProgress: (line) => void shown.push(line),
    clearProgress: () => void shown.push(''),
  };
  return { terminal, printed, shown };
}
