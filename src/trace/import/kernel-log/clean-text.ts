/** Colours and cursors of terminals (ECMA-48). */
// eslint-disable-next-line no-control-regex -- these are the ones to find
const ESCAPE_SEQUENCE = /\u001B\[[0-9;?]{0,16}[A-Za-z]/gu;
/** Tags of pages around a log. `<TASK>` and `<6>` are the log's own. */
const TAG = /<\/?(?:pre|br|span|a|p|div|code|tt|td|tr|b|i|font|blockquote)\b[^<>]{0,256}>/giu;
const ENTITY = /&(?:(?<name>gt|lt|amp|quot|nbsp|apos)|#(?<decimal>\d{1,5})|#x(?<hex>[0-9a-f]{1,4}));/giu;
const QUOTE = /^(?:\s?>\s?)+/u;
const QUOTED_PRINTABLE = /=(?<hex>[0-9A-F]{2})/gu;

const CHARACTERS: Readonly<Record<string, string>> = { gt: '>', lt: '<', amp: '&', quot: '"', nbsp: ' ', apos: "'" };

/** A line of a log without what terminals, pages and mails put around it. */
export function cleanText(text: string): string {
  let clean = text.replace(/\r{1,4}$/u, '');
  if (clean.includes('\u001B')) clean = clean.replaceAll(ESCAPE_SEQUENCE, '');
  if (clean.includes('<')) clean = clean.replaceAll(TAG, '');
  if (clean.includes('&')) clean = clean.replaceAll(ENTITY, (...match) => decodeEntity(match));
  return clean.replace(QUOTE, '');
}

/** Undoes quoted-printable (RFC 2045, 6.7), but for its soft line breaks. */
export function decodeQuotedPrintable(text: string): string {
  return text.replaceAll(QUOTED_PRINTABLE, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
}

function decodeEntity(match: readonly unknown[]): string {
  const { name, decimal, hex } = match.at(-1) as Readonly<Record<string, string | undefined>>;
  if (name !== undefined) return CHARACTERS[name.toLowerCase()] ?? '';
  return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal));
}
