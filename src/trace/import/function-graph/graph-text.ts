import type { FunctionNames } from './function-names.ts';

const TAB = 9;
const SPACE = 32;
const DOLLAR = 36;
const OPEN_PARENTHESIS = 40;
const STAR = 42;
const DOT = 46;
const SLASH = 47;
const SEMICOLON = 59;
const UNDERSCORE = 95;
const LOWER_A = 97;
const LOWER_Z = 122;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

const INDENT_COLUMNS = 2;

/** What the last column of a function_graph line says. */
type GraphTextKind = 'entry' | 'exit' | 'leaf' | 'comment' | 'none';

/**
 * The last column: `name() {`, `name();`, `}`, or `} /* name *\/`, behind two columns for each
 * function around it (kernel/trace/trace_functions_graph.c, print_graph_entry_leaf and
 * print_graph_return). One object serves for all lines.
 */
export class GraphText {
  readonly #names: FunctionNames;
  kind: GraphTextKind = 'none';
  depth = 0;
  /** Of an exit, the function that it names; 0 where it names none. */
  functionId = 0;
  /** Where arguments or a comment are, for those who want more; 0 where there are none. */
  detailsStart = 0;

  constructor(names: FunctionNames) {
    this.#names = names;
  }

  /** @param end behind the last byte that is no blank */
  read(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && (bytes[at] as number) <= SPACE && bytes[at] !== TAB) at += 1;
    this.depth = (at - start) / INDENT_COLUMNS;
    this.functionId = 0;
    this.detailsStart = 0;
    const first = bytes[at];
    if (!Number.isInteger(this.depth) || first === undefined || at >= end) this.kind = 'none';
    else if (first === CLOSE_BRACE) this.#readExit(bytes, at + 1, end);
    else if (first === SLASH) this.kind = bytes[at + 1] === STAR ? 'comment' : 'none';
    else this.#readCall(bytes, at, end);
  }

  #readCall(bytes: Uint8Array, start: number, end: number): void {
    let hash = 0x811c_9dc5 | 0;
    let at = start;
    let byte = bytes[at] as number;
    while (at < end && byte !== OPEN_PARENTHESIS) {
      if (!isOfName(byte)) {
        this.kind = 'none';
        return;
      }
      hash = Math.imul(hash ^ byte, 0x0100_0193);
      at += 1;
      byte = bytes[at] as number;
    }
    const last = bytes[end - 1];
    this.kind = 'none';
    if (at === start || at >= end) return;
    if (last === OPEN_BRACE) this.kind = 'entry';
    else if (last === SEMICOLON || last === SLASH) this.kind = 'leaf';
    if (this.kind === 'none') return;
    // `() {` and `();` have nothing in them.
    if (end - at > 4 || last === SLASH) this.detailsStart = at;
    this.functionId = this.#names.idOfHashed(bytes, start, at, hash);
  }

  /** `}`, or `} /* name ret=0x0 *\/`: names are told by what they are made of. */
  #readExit(bytes: Uint8Array, start: number, end: number): void {
    this.kind = 'exit';
    if (start >= end) return;
    if (bytes[end - 1] !== SLASH) {
      this.kind = 'none';
      return;
    }
    let at = start;
    while (at < end && (bytes[at] === SPACE || bytes[at] === SLASH || bytes[at] === STAR)) at += 1;
    let nameEnd = at;
    while (nameEnd < end && bytes[nameEnd] !== SPACE && isOfName(bytes[nameEnd] as number)) nameEnd += 1;
    this.detailsStart = start;
    if (nameEnd === at) return;
    this.functionId = this.#names.idOf(bytes, at, nameEnd);
  }
}

/** Symbols are letters, digits, `_`, `.` and `$`; `name [module]` has a blank and brackets. */
function isOfName(byte: number): boolean {
  if (byte >= LOWER_A && byte <= LOWER_Z) return true;
  if (byte === UNDERSCORE || byte === DOT || byte === SPACE || byte === DOLLAR) return true;
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 93);
}
