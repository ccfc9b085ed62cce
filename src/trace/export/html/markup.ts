import { escapeUnprintable } from '../../../base/printable-text.ts';

/** A piece of a page in which everything that came from elsewhere is escaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: text is escaped, markup is not, lists are joined. */
export type Content = Markup | string | number | undefined | readonly Content[];

const NOTHING = '';
/** Longer names are no names: a report with thousands of them must stay small. */
const NAME_LENGTH_MAX = 80;

/**
 * Markup with values in it, each of them escaped: `` html`<td>${name}</td>` ``. Attributes must be
 * quoted. The source's indentation is left out: browsers take any white space as one blank.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  const pieces = parts.map((part, index) => part.replaceAll(/\n\s*/gu, '\n') + render(values[index]));
  return new Markup(pieces.join(NOTHING));
}

/** A name from a trace, short enough for a picture or a table. */
export function shortName(name: string): string {
  return cutText(name, NAME_LENGTH_MAX);
}

export function cutText(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

function render(content: Content): string {
  if (content === undefined) return NOTHING;
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(render).join(NOTHING);
  return escapeText(String(content));
}

/**
 * What HTML would read as markup, and everything outside ASCII, as character references: the page
 * is the same in every encoding. A control character is shown as its number.
 */
function escapeText(text: string): string {
  return escapeUnprintable(text.toWellFormed()).replaceAll(
    // eslint-disable-next-line no-control-regex -- all of ASCII
    /[&<>"'`]|[^\u0000-\u007F]/gu,
    (character) => `&#${character.codePointAt(0)};`,
  );
}
