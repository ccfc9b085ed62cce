/** Control and format characters, line breaks of every kind, and halves of surrogate pairs. */
const UNPRINTABLE = /["\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const LENGTH_MAX = 100;

/**
 * Quotes text that another process chose, for a message. Shortens it, and removes characters that
 * could forge lines of a log or control a terminal.
 */
export function quoteForeign(text: string): string {
  const shown = text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text;
  return `"${shown.replace(UNPRINTABLE, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
