import { styleText } from 'node:util';

/** Where a command's output goes. */
export interface Terminal {
  /** A line of the result, on stdout. */
  readonly print: (line?: string) => void;
  /** Emphasis, where the reader is a terminal. */
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  /** What is going on, on stderr: one line that is written over and over on a terminal, nothing elsewhere. */
  readonly showProgress: (line: string) => void;
  readonly clearProgress: () => void;
}

/** How far output reaches to the right. */
export const WIDTH = 80;

const ERASE_LINE = '\r\u001B[2K';

/** Whether to color was decided here: Node would look at other variables too, such as `CI`. */
const OUR_CHOICE = { validateStream: false } as const;

/** The terminal of this process. */
export function openTerminal({ stdout, stderr, env }: Pick<NodeJS.Process, 'stdout' | 'stderr' | 'env'>): Terminal {
  const colored = stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  let shown = '';
  const show = (line: string): void => {
    if (!stderr.isTTY || line === shown) return;
    stderr.write(`${ERASE_LINE}${line}`);
    shown = line;
  };
  return {
    print: (line = '') => void stdout.write(`${line}\n`),
    bold: (text) => (colored ? styleText('bold', text, OUR_CHOICE) : text),
    dim: (text) => (colored ? styleText('dim', text, OUR_CHOICE) : text),
    showProgress: show,
    clearProgress: () => show(''),
  };
}
