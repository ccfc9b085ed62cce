import { formatSize } from '../base/sizes.ts';
import { formatCount } from './number-format.ts';

/**
 * What drives a terminal, turns the direction of what follows, or breaks a line: C0, DEL, C1, line separators, marks and overrides
 * of direction. Buffers and processes are named by whoever made them.
 */
// eslint-disable-next-line no-control-regex -- these are the ones to find
const UNPRINTABLE = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;
/** The same, but for what JSON escapes by itself. */
const UNPRINTABLE_IN_JSON = /[\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/** A name as it may stand in a line of output: `a\nb` with its line break spelled out. */
export function formatName(name: string): string {
  return name.replaceAll('\\', String.raw`\\`).replaceAll(UNPRINTABLE, escapeCharacter);
}

/** One line of JSON that can be shown on a terminal. Reads as the same value. */
export function formatJsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNPRINTABLE_IN_JSON, escapeCharacter);
}

/** A size that need not be a whole number of bytes. */
export function formatShare(bytes: number): string {
  return formatSize(Math.round(bytes));
}

/** `+3`, `-1`, or nothing for no change. */
export function formatGrowth(count: number): string {
  return signed(count, formatCount);
}

/** `+24 MiB`, `-8 MiB`, or nothing for no change. */
export function formatSizeGrowth(bytes: number): string {
  return signed(bytes, formatSize);
}

function signed(value: number, format: (value: number) => string): string {
  if (value === 0) return '';
  return `${value > 0 ? '+' : '-'}${format(Math.abs(value))}`;
}

function escapeCharacter(character: string): string {
  if (character === '\n') return String.raw`\n`;
  if (character === '\t') return String.raw`\t`;
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
