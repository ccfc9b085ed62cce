/**
 * Cuts a C file into what stands at its top level, without a grammar: functions, declarations,
 * macros. Each piece is then parsed by itself, and only if it has a word that is looked for. A
 * kernel macro that no grammar reads (`EXPORT_SYMBOL_NS_GPL(x, DMA_BUF)`) so spoils no function
 * beside it.
 */

/** Something at the top level of a file. */
export interface TopLevelItem {
  readonly start: number;
  /** Behind its last character. */
  readonly end: number;
  /** Where the `{` of a function's body is; undefined for what is no function. */
  readonly bodyStart: number | undefined;
}

/** A `#define`, with the lines that it goes on in. */
export interface MacroDefinition {
  readonly name: string;
  /** Undefined for one without parentheses. */
  readonly parameters: readonly string[] | undefined;
  readonly start: number;
  readonly end: number;
  readonly bodyStart: number;
}

/** A file, cut up. */
export interface SplitSource {
  /**
   * The text with comments, the contents of strings and what stands in `#if 0` blanked out, at the
   * same offsets.
   */
  readonly code: string;
  readonly items: readonly TopLevelItem[];
  readonly macros: readonly MacroDefinition[];
}

const DEFINE = /^[ \t]*#[ \t]*define[ \t]+(?<name>[A-Za-z_]\w*)(?:\((?<parameters>[^)]*)\))?/u;
const CONDITION = /^[ \t]*#[ \t]*(?<word>if|ifdef|ifndef|elif|else|endif)\b[ \t]*(?<rest>.*)/u;

/** @param text one character a byte */
export function splitItems(text: string): SplitSource {
  const code = blankComments(text);
  const first = new ItemSplitter(code, false).split();
  // Braces do not match, as where a macro opens one: lines that begin with a closing one decide.
  return first.isBalanced ? first.source : new ItemSplitter(code, true).split().source;
}

const UNREAD = /\/\*[^]*?(?:\*\/|$)|\/\/(?:\\\r?\n|[^\n])*|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n]){1,4}'/gu;
const NO_LINE_BREAK = /[^\n]/gu;

/** Quotes stay, as what they enclose is an expression still. */
function blankComments(text: string): string {
  return text.replaceAll(UNREAD, (unread) => {
    const quote = unread.charAt(0);
    if (quote === '/') return unread.replaceAll(NO_LINE_BREAK, ' ');
    // A string that nothing ends has no second quote.
    const isClosed = unread.length > 1 && unread.endsWith(quote);
    const inner = isClosed ? unread.slice(1, -1) : unread.slice(1);
    const blanked = inner.replaceAll(NO_LINE_BREAK, quote === "'" ? '0' : ' ');
    return `${quote}${blanked}${isClosed ? quote : ''}`;
  });
}

/** What is put back at `#else`: the other branch begins where the first did. */
interface Condition {
  readonly nesting: number;
  readonly itemStart: number;
  readonly itemCount: number;
  /** Whether what stands here is left out: `#if 0`. */
  isDisabled: boolean;
}

interface Split {
  readonly source: SplitSource;
  readonly isBalanced: boolean;
}

class ItemSplitter {
  readonly #code: string;
  readonly #byColumn: boolean;
  readonly #items: TopLevelItem[] = [];
  readonly #macros: MacroDefinition[] = [];
  readonly #conditions: Condition[] = [];
  readonly #blanks: [start: number, end: number][] = [];
  /** Parentheses, brackets and braces that are open. */
  #nesting = 0;
  #itemStart = 0;
  #isEmpty = true;
  /** Of the item so far, outside all parentheses. */
  #hasParentheses = false;
  #hasAssignment = false;
  #bodyStart: number | undefined;

  constructor(code: string, byColumn: boolean) {
    this.#code = code;
    this.#byColumn = byColumn;
  }

  split(): Split {
    const code = this.#code;
    let at = 0;
    while (at < code.length) {
      const end = lineEnd(code, at);
      if (isDirective(code, at)) at = this.#readDirective(at);
      else {
        if (this.#isDisabled()) this.#blanks.push([at, end]);
        else this.#readLine(at, end);
        at = end + 1;
      }
    }
    const isBalanced = this.#nesting === 0;
    this.#endItem(code.length);
    const source = { code: blank(code, this.#blanks), items: this.#items, macros: this.#macros };
    return { source, isBalanced };
  }

  #isDisabled(): boolean {
    return this.#conditions.some(({ isDisabled }) => isDisabled);
  }

  /** Returns where the line behind it begins. */
  #readDirective(start: number): number {
    let end = lineEnd(this.#code, start);
    while (/\\\r?$/u.test(this.#code.slice(Math.max(start, end - 2), end)) && end < this.#code.length) {
      end = lineEnd(this.#code, end + 1);
    }
    const line = this.#code.slice(start, end);
    const condition = CONDITION.exec(line)?.groups;
    if (condition !== undefined) this.#readCondition(condition['word'] ?? '', condition['rest'] ?? '');
    else if (this.#isDisabled()) this.#blanks.push([start, end]);
    else this.#readDefinition(line, start, end);
    if (this.#nesting === 0 && this.#isEmpty) this.#startItem(end);
    return end + 1;
  }

  #readDefinition(line: string, start: number, end: number): void {
    const match = DEFINE.exec(line);
    const name = match?.groups?.['name'];
    if (match === null || name === undefined) return;
    const parameters = match.groups?.['parameters']?.split(',').map((one) => one.replaceAll(/[\s\\]|\.\.\.$/gu, ''));
    this.#macros.push({ name, parameters, start, end, bodyStart: start + match[0].length });
  }

  #readCondition(word: string, rest: string): void {
    if (word === 'endif') {
      this.#conditions.pop();
      return;
    }
    const outer = this.#conditions.at(-1);
    if (word === 'else' || word === 'elif') {
      if (outer === undefined) return;
      outer.isDisabled = false;
      this.#restore(outer);
      return;
    }
    this.#conditions.push({
      nesting: this.#nesting,
      itemStart: this.#itemStart,
      itemCount: this.#items.length,
      isDisabled: word === 'if' && /^0\s*$/u.test(rest),
    });
  }

  /** An item that the first branch ended goes on in the second. */
  #restore({ nesting, itemStart, itemCount }: Condition): void {
    if (nesting > 0 && this.#items.length > itemCount) {
      const reopened = this.#items[itemCount];
      this.#items.length = itemCount;
      this.#itemStart = itemStart;
      this.#isEmpty = false;
      this.#bodyStart = reopened?.bodyStart;
      this.#hasParentheses = reopened?.bodyStart !== undefined;
      this.#hasAssignment = false;
    }
    this.#nesting = nesting;
  }

  #readLine(start: number, end: number): void {
    const code = this.#code;
    for (let at = start; at < end; at++) {
      const character = code.charCodeAt(at);
      if (character <= 0x20) continue;
      if (this.#isEmpty) this.#beginItem(at, character);
      switch (character) {
        case 0x28: // (
          if (this.#nesting === 0) this.#hasParentheses = true;
          this.#nesting++;
          break;
        case 0x5b: // [
          this.#nesting++;
          break;
        case 0x7b: // {
          this.#openBrace(at);
          break;
        case 0x29: // )
        case 0x5d: // ]
          this.#nesting = Math.max(0, this.#nesting - 1);
          break;
        case 0x7d: // }
          this.#closeBrace(at, at === start);
          break;
        case 0x3b: // ;
          if (this.#nesting === 0) this.#endItem(at + 1);
          break;
        case 0x3d: // =
          if (this.#nesting === 0) this.#hasAssignment = true;
          break;
        case 0x22: // "
          at = closingQuote(code, at, end);
          break;
        default:
      }
    }
  }

  #openBrace(at: number): void {
    if (this.#nesting === 0) {
      if (this.#hasParentheses && !this.#hasAssignment) this.#bodyStart ??= at;
    }
    this.#nesting++;
  }

  #closeBrace(at: number, isFirstOfLine: boolean): void {
    this.#nesting = this.#byColumn && isFirstOfLine ? 0 : Math.max(0, this.#nesting - 1);
    if (this.#nesting === 0 && this.#bodyStart !== undefined) this.#endItem(at + 1);
  }

  /**
   * A body that follows a `;` is that of `int f(a) int a; {`: the declarations before it belong to
   * it.
   */
  #joinOldStyle(): void {
    for (let index = this.#items.length - 1; index >= Math.max(0, this.#items.length - OLD_STYLE_MAX); index--) {
      const item = this.#items[index];
      if (item === undefined || item.bodyStart !== undefined) return;
      const text = this.#code.slice(item.start, item.end);
      if (text.includes('=') || text.includes('{')) return;
      if (!/\)\s*[A-Za-z_]/u.test(text)) continue;
      this.#items.length = index;
      this.#itemStart = item.start;
      this.#hasParentheses = true;
      return;
    }
  }

  #beginItem(at: number, character: number): void {
    this.#isEmpty = false;
    this.#itemStart = at;
    if (character === 0x7b && this.#nesting === 0) this.#joinOldStyle();
  }

  #endItem(end: number): void {
    if (!this.#isEmpty) this.#items.push({ start: this.#itemStart, end, bodyStart: this.#bodyStart });
    this.#startItem(end);
  }

  #startItem(start: number): void {
    this.#itemStart = start;
    this.#isEmpty = true;
    this.#hasParentheses = false;
    this.#hasAssignment = false;
    this.#bodyStart = undefined;
  }
}

/** How many declarations of parameters the oldest style of functions may have here. */
const OLD_STYLE_MAX = 20;

function lineEnd(code: string, from: number): number {
  const end = code.indexOf('\n', from);
  return end < 0 ? code.length : end;
}

function isDirective(code: string, lineStart: number): boolean {
  let at = lineStart;
  while (code.charCodeAt(at) === 0x20 || code.charCodeAt(at) === 0x09) at++;
  return code.charCodeAt(at) === 0x23;
}

function closingQuote(code: string, at: number, end: number): number {
  const close = code.indexOf('"', at + 1);
  return close < 0 || close >= end ? at : close;
}

function blank(code: string, ranges: readonly (readonly [start: number, end: number])[]): string {
  if (ranges.length === 0) return code;
  const parts: string[] = [];
  let at = 0;
  for (const [start, end] of ranges) {
    parts.push(code.slice(at, start), code.slice(start, end).replaceAll(NO_LINE_BREAK, ' '));
    at = end;
  }
  parts.push(code.slice(at));
  return parts.join('');
}
