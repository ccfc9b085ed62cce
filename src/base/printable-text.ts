/**
 * Characters that control a terminal, change the direction of text, or break a line: C0, DEL, C1,
 * line separators, marks and overrides of direction. Other programs choose the names of buffers and
 * processes.
 */
// eslint-disable-next-line no-control-regex -- the pattern searches for these
const UNPRINTABLE = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;
/** A name, safe for a line of output: `a\nb` with its line break escaped. */
export function formatName(name: string): string {
  return name.replaceAll('\\', String.raw`\\`).replaceAll(UNPRINTABLE, escapeCharacter);
}

/** A text with unprintable characters escaped, such as a message that quotes a name. */
export function escapeUnprintable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  if (character === '\n') return String.raw`\n`;
  if (character === '\t') return String.raw`\t`;
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
