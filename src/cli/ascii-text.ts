/** Text for terminals that show ASCII only. */

/** The most similar ASCII text of each character. Arrows and ellipses become longer. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map([
  ['→', '->'],
  ['…', '...'],
  ['≥', '>='],
  ['µ', 'u'],
  ['·', '.'],
  ['░', '-'],
  ['▒', '+'],
  ['▓', '%'],
  ['█', '#'],
  ['’', "'"],
]);
const BRAILLE_BASE = 0x28_00;
/** The dots of the upper two rows, and of the lower two. */
const BRAILLE_UPPER = 0x1b;
const BRAILLE_LOWER = 0xe4;
/** Blocks of one to seven eighths, from the left. */
const EIGHTHS = '▏▎▍▌▋▊▉';

/**
 * The same text in ASCII: pictures become similar characters, and any other character becomes its
 * JSON escape.
 */
export function toAscii(text: string): string {
  return text.replaceAll(/[\u0080-\uFFFF]/g, asciiOf);
}

/** JSON in ASCII, with the same value. */
export function toAsciiJson(text: string): string {
  return text.replaceAll(/[\u0080-\uFFFF]/g, escapeCharacter);
}

function asciiOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code >= BRAILLE_BASE && code < BRAILLE_BASE + 0x1_00) return dotsOf(code - BRAILLE_BASE);
  if (EIGHTHS.includes(character)) return EIGHTHS.indexOf(character) < EIGHTHS.length / 2 ? '.' : ':';
  return LOOKALIKES.get(character) ?? escapeCharacter(character);
}

/** By the position of the dots: `'` above, `.` below, `:` both. */
function dotsOf(bits: number): string {
  const hasUpper = (bits & BRAILLE_UPPER) !== 0;
  const hasLower = (bits & BRAILLE_LOWER) !== 0;
  if (hasUpper) return hasLower ? ':' : "'";
  return hasLower ? '.' : ' ';
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
