import { styleText } from 'node:util';

import { toAscii, toAsciiJson } from './ascii-text.ts';

/** The output of a command. */
export interface Terminal {
  /** The longest line of text: 40 to 80 characters. */
  readonly columns: number;
  /** A line of the result, on stdout. */
  readonly print: (line?: string) => void;
  /** A part of a line of JSON, on stdout. */
  readonly writeJson: (text: string) => void;
  /** A line of an error, on stderr. */
  readonly printError: (line: string) => void;
  /** Emphasis, if the output is a terminal. */
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  /** The progress, on stderr: on a terminal one line that is rewritten, elsewhere nothing. */
  readonly showProgress: (line: string) => void;
  readonly clearProgress: () => void;
}

/** Wider text is hard to read. */
export const COLUMNS_MAX = 80;
/** Reports cannot be laid out in fewer columns. */
const COLUMNS_MIN = 40;

const ERASE_LINE = '\r\u001B[2K';

/**
 * The decision about colours is made here: Node would consult other variables too, such as `CI`.
 */
const OUR_CHOICE = { validateStream: false } as const;

/** The terminal of this process. */
export function openTerminal({ stdout, stderr, env }: Pick<NodeJS.Process, 'stdout' | 'stderr' | 'env'>): Terminal {
  const colored = stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const isAscii = wantsAscii(env);
  const encode = isAscii ? toAscii : (text: string): string => text;
  const encodeJson = isAscii ? toAsciiJson : (text: string): string => text;
  let shown = '';
  const show = (line: string): void => {
    if (!stderr.isTTY || line === shown) return;
    // A line that the terminal wraps could not be erased. A terminal that does not know its width
    // has 0 columns.
    const text = stderr.columns > 0 ? encode(line).slice(0, stderr.columns - 1) : encode(line);
    stderr.write(`${ERASE_LINE}${text}`);
    shown = line;
  };
  return {
    columns: columnsOf(stdout, env),
    print: (line = '') => void stdout.write(`${encode(line)}\n`),
    writeJson: (text) => void stdout.write(encodeJson(text)),
    printError: (line) => void stderr.write(`${encode(line)}\n`),
    bold: (text) => (colored ? styleText('bold', text, OUR_CHOICE) : text),
    dim: (text) => (colored ? styleText('dim', text, OUR_CHOICE) : text),
    showProgress: show,
    clearProgress: () => show(''),
  };
}

/** `COLUMNS`, else the terminal's own width, else that of the oldest terminals (POSIX, XBD 8.3). */
function columnsOf({ isTTY, columns }: NodeJS.Process['stdout'], { COLUMNS }: NodeJS.ProcessEnv): number {
  const wanted = /^[1-9]\d*$/u.test(COLUMNS ?? '') ? Number(COLUMNS) : isTTY ? columns : 0;
  return wanted > 0 ? Math.min(COLUMNS_MAX, Math.max(COLUMNS_MIN, wanted)) : COLUMNS_MAX;
}

/**
 * Whether the locale has only ASCII: the first variable that is set decides (POSIX, XBD 8.2). Where
 * none is set, as in most containers, there is no request, and present-day terminals show UTF-8.
 */
function wantsAscii({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '');
  return locale !== undefined && !/utf-?8/iu.test(locale);
}
