import { wrongValue } from './argument-error.ts';
import type { Argument } from './argument-error.ts';

/**
 * With the flag "u", a pattern sees a pair of surrogates as one character, so it matches lone
 * surrogates only.
 */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Text that survives a round trip through UTF-8. An encoder would silently replace half of a
 * surrogate pair (WHATWG Encoding, "utf-8 encoder").
 *
 * @throws {TypeError} for a text with a lone surrogate
 */
export function checkUtf8Text(text: string, argument: Argument): string {
  const found = LONE_SURROGATE.exec(text);
  if (found === null) return text;
  const code = found[0].charCodeAt(0).toString(16).toUpperCase();
  throw wrongValue(argument, {
    must: 'have no lone surrogate, which UTF-8 has no bytes for',
    received: text,
    shown: `U+${code} at index ${found.index}`,
    remedy: 'keep both halves of the pair together',
  });
}
