import { splitItems } from './split-items.ts';
import type { SourcePlace } from './source-symbol.ts';
import type { MacroDefinition, SplitSource, TopLevelItem } from './split-items.ts';

/** What a word of a file stands in. */
type Surroundings =
  | { readonly kind: 'macro'; readonly macro: MacroDefinition }
  | { readonly kind: 'item'; readonly item: TopLevelItem };

/** A C file, cut up when it is first asked what it holds. */
export class SourceFile {
  /** From the root of the tree. */
  readonly path: string;
  /** One character a byte. */
  readonly text: string;
  #split: SplitSource | undefined;
  #lineStarts: number[] | undefined;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  get isHeader(): boolean {
    return this.path.endsWith('.h');
  }

  /** The text without comments, strings and what is left out, at the same offsets. */
  get code(): string {
    return this.#parts().code;
  }

  get macros(): readonly MacroDefinition[] {
    return this.#parts().macros;
  }

  codeOf({ start, end }: { readonly start: number; readonly end: number }): string {
    return this.code.slice(start, end);
  }

  /** Where `word` stands in the code. */
  *occurrences(word: string): Generator<number, void, undefined> {
    if (!this.text.includes(word)) return;
    const { code } = this;
    for (let at = code.indexOf(word); at >= 0; at = code.indexOf(word, at + word.length)) {
      if (!isWordCharacter(code, at - 1) && !isWordCharacter(code, at + word.length)) yield at;
    }
  }

  surroundingsOf(offset: number): Surroundings | undefined {
    const { macros, items } = this.#parts();
    const macro = findAt(macros, offset);
    if (macro !== undefined) return { kind: 'macro', macro };
    const item = findAt(items, offset);
    return item === undefined ? undefined : { kind: 'item', item };
  }

  /** What a pattern finds in the code. The text is searched first, as it is there already. */
  find(pattern: RegExp): RegExpExecArray | undefined {
    return pattern.test(this.text) ? (pattern.exec(this.code) ?? undefined) : undefined;
  }

  /** The function `name`, if it is defined here. */
  functionItem(name: string): TopLevelItem | undefined {
    for (const offset of this.occurrences(name)) {
      const found = this.surroundingsOf(offset);
      if (found?.kind !== 'item' || found.item.bodyStart === undefined || offset > found.item.bodyStart) continue;
      if (this.functionName(found.item) === name) return found.item;
    }
    return undefined;
  }

  /** The name of a function, by its item; undefined for an item that is none. */
  functionName(item: TopLevelItem): string | undefined {
    if (item.bodyStart === undefined) return undefined;
    return nameOfFunction(this.code.slice(item.start, item.bodyStart));
  }

  /** Lines count from 1. */
  lineAt(offset: number): number {
    this.#lineStarts ??= findLineStarts(this.text);
    return lastAtMost(this.#lineStarts, offset) + 1;
  }

  /** Where a line begins. */
  offsetOfLine(line: number): number {
    this.#lineStarts ??= findLineStarts(this.text);
    return this.#lineStarts[line - 1] ?? this.text.length;
  }

  /** The line at `offset` without the blanks around it, as UTF-8 has it. */
  lineTextAt(offset: number): string {
    const start = this.text.lastIndexOf('\n', offset - 1) + 1;
    const end = this.text.indexOf('\n', offset);
    const line = this.text.slice(start, end < 0 ? undefined : end).slice(0, LINE_TEXT_MAX);
    return Buffer.from(line, 'latin1').toString().trim();
  }

  #parts(): SplitSource {
    this.#split ??= splitItems(this.text);
    return this.#split;
  }
}

/** Lines of generated files may have megabytes. */
const LINE_TEXT_MAX = 300;

function isWordCharacter(code: string, at: number): boolean {
  return at >= 0 && /[\w$]/u.test(code.charAt(at));
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Of spans in ascending order, the one with `offset` in it. */
function findAt<Found extends Span>(spans: readonly Found[], offset: number): Found | undefined {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.end ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const found = spans[low];
  return found !== undefined && found.start <= offset ? found : undefined;
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lastAtMost(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What may stand before a function's parameters with parentheses of its own. */
const ATTRIBUTE =
  /^(?:__attribute__|__printf|__scanf|__acquires?|__releases?|__must_hold|__section|__aligned|__alloc_size|__no_sanitize|__counted_by|__declspec|__asm__|asm|typeof|__typeof__)$/u;
const KEYWORD =
  /^(?:void|int|char|short|long|unsigned|signed|bool|float|double|const|static|inline|struct|if|for|while|switch|return|sizeof)$/u;
/** A line of a function's head is hardly longer; a table's may be megabytes. */
const HEAD_LENGTH_MAX = 10_000;

/**
 * Of `static int __init f(void) __must_hold(x)`: `f`. A macro without a semicolon may stand before
 * the function, so the last name counts that has a type before it.
 */
function nameOfFunction(head: string): string | undefined {
  const text = head.slice(-HEAD_LENGTH_MAX);
  let nesting = 0;
  let name: string | undefined;
  let nestedName: string | undefined;
  let closedAt = 0;
  for (const { 0: token, index } of text.matchAll(/[()]|\b[A-Za-z_]\w*(?=\s*\()/gu)) {
    if (token === '(') nesting++;
    else if (token === ')') {
      nesting--;
      closedAt = index + 1;
    } else if (!ATTRIBUTE.test(token) && !KEYWORD.test(token)) {
      const between = text.slice(closedAt, index);
      if (nesting > 0) nestedName ??= token;
      else if (name === undefined || beginsAnew(between)) name = token;
    }
  }
  return name ?? nestedName;
}

/** Whether words between two names are a type; those of attributes begin with `__`. */
function beginsAnew(between: string): boolean {
  return !between.includes(';') && /(?<!\w)(?!__)[A-Za-z_]\w*/u.test(between);
}

export function describePlace(file: SourceFile, offset: number): SourcePlace {
  return { file: file.path, line: file.lineAt(offset), text: file.lineTextAt(offset) };
}
