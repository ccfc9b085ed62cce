import type { CParser, SyntaxNode } from './c-parser.ts';
import type { SourceFile } from './source-file.ts';
import type { SourceTree } from './source-tree.ts';
import type { MacroDefinition } from './split-items.ts';

/** The type of a member or a variable: the tag of its struct, without pointers and arrays. */
export type StructTag = string;

/** A macro, and where it is. */
interface FoundMacro {
  readonly file: SourceFile;
  readonly macro: MacroDefinition;
}

/** Structs are members of each other, and files that declare a name are many: where to stop. */
const FILES_SEARCHED_MAX = 400;

/** Looks up what the tree declares: members of structs, results of functions, macros. */
export class Declarations {
  readonly #tree: SourceTree;
  readonly #parser: CParser;
  /** By the struct's tag, or `outer.member` for one that has none. */
  readonly #members = new Map<StructTag, ReadonlyMap<string, StructTag | undefined>>();
  readonly #answers = new Map<string, string | undefined>();
  readonly #macros = new Map<string, FoundMacro[]>();
  readonly #sameTypes = new Map<string, boolean>();

  constructor(tree: SourceTree, parser: CParser) {
    this.#tree = tree;
    this.#parser = parser;
  }

  /** The struct that `member` of a `struct tag` is or points to. */
  memberType(tag: StructTag, member: string): StructTag | undefined {
    return this.#membersOf(tag)?.get(member);
  }

  /** The struct that a type's name stands for: for one that is no `typedef`, the name itself. */
  resolveTypedef(name: string): StructTag {
    return this.#answer(`typedef ${name}`, () => this.#findTypedef(name)) ?? name;
  }

  /** The struct that a call of `name` gives, or points to. */
  resultType(name: string, from: SourceFile): StructTag | undefined {
    return (
      resultTypeIn(from, name) ??
      this.#answer(`result ${name}`, () => this.#findResult(name)) ??
      this.#macroResult(name, from)
    );
  }

  /** The macro `name` as `from` sees it: its own, else that of a header, else any. */
  macro(name: string, from: SourceFile): FoundMacro | undefined {
    const found = this.macros(name);
    const near = (rank: (path: SourceFile) => boolean): FoundMacro | undefined => found.find(({ file }) => rank(file));
    return near(({ path }) => path === from.path) ?? near(({ isHeader }) => isHeader) ?? found[0];
  }

  /** Every definition of the macro `name`. */
  macros(name: string): readonly FoundMacro[] {
    const known = this.#macros.get(name);
    if (known !== undefined) return known;
    const files = this.#tree.files(this.#tree.index.filesDefiningMacro(name));
    const found = [...files].flatMap((file) =>
      file.macros.filter((macro) => macro.name === name).map((macro) => ({ file, macro })),
    );
    this.#macros.set(name, found);
    return found;
  }

  /** Whether something called `name` is declared to be a `struct tag`, or to point to one. */
  isDeclaredAs(name: string, tag: StructTag): boolean {
    const key = `${tag} ${name}`;
    const known = this.#sameTypes.get(key);
    if (known !== undefined) return known;
    const declares = declarationPattern(name, tag);
    const files = take(this.#tree.filesWith(tag, name), FILES_SEARCHED_MAX);
    const isDeclared = [...files].some(({ text }) => declares.test(text));
    this.#sameTypes.set(key, isDeclared);
    return isDeclared;
  }

  #answer(key: string, find: () => string | undefined): string | undefined {
    if (!this.#answers.has(key)) this.#answers.set(key, find());
    return this.#answers.get(key);
  }

  #membersOf(tag: StructTag): ReadonlyMap<string, StructTag | undefined> | undefined {
    const known = this.#members.get(tag);
    if (known !== undefined) return known;
    const members = this.#findMembers(tag) ?? new Map<string, StructTag | undefined>();
    this.#members.set(tag, members);
    return members;
  }

  #findMembers(tag: StructTag): ReadonlyMap<string, StructTag | undefined> | undefined {
    const { index } = this.#tree;
    const defining = index.filesDefiningStruct(tag);
    const pattern = new RegExp(`\\b(?:struct|union)\\s+${tag}\\s*\\{|\\}[\\s\\w]{0,100}\\b${tag}\\s*;`, 'u');
    const numbers = defining.length > 0 ? defining : index.filesWith(tag);
    for (const file of headersFirst(take(this.#tree.files(numbers), FILES_SEARCHED_MAX))) {
      const offset = file.find(pattern)?.index;
      const surroundings = offset === undefined ? undefined : file.surroundingsOf(offset);
      if (surroundings?.kind !== 'item') continue;
      const { item } = surroundings;
      const root = this.#parser.parse(item, file.codeOf(item));
      const body = root === undefined ? undefined : findStructBody(root, tag);
      if (body !== undefined) return this.#readMembers(tag, body);
    }
    return undefined;
  }

  /**
   * Members of structs without a name count as the outer one's, as in C. A struct without a tag
   * that has a name is known by where it is: `outer.name`.
   */
  #readMembers(
    tag: StructTag,
    body: SyntaxNode,
    members = new Map<string, StructTag | undefined>(),
  ): Map<string, StructTag | undefined> {
    for (const field of namedChildren(body)) {
      if (field.type !== 'field_declaration') continue;
      const type = field.childForFieldName('type');
      const names = [...namedChildren(field)].flatMap((child) => memberName(child) ?? []);
      const inner = type?.childForFieldName('body') ?? null;
      if (names.length === 0 && inner !== null) this.#readMembers(tag, inner, members);
      const own = typeTag(type, (name) => this.resolveTypedef(name));
      for (const name of names) {
        members.set(name, own ?? (inner === null ? undefined : `${tag}.${name}`));
        if (own === undefined && inner !== null)
          this.#members.set(`${tag}.${name}`, this.#readMembers(`${tag}.${name}`, inner));
      }
    }
    return members;
  }

  #findTypedef(name: string): StructTag | undefined {
    const pattern = new RegExp(`\\btypedef\\s+(?:struct|union)\\s+(?<tag>\\w+)\\s*\\**\\s*${name}\\s*;`, 'u');
    return this.#search([name, 'typedef'], pattern);
  }

  #findResult(name: string): StructTag | undefined {
    return this.#search([name], resultPattern(name));
  }

  #macroResult(name: string, from: SourceFile): StructTag | undefined {
    const found = this.macro(name, from);
    if (found === undefined) return undefined;
    return containerType(found.file.code.slice(found.macro.bodyStart, found.macro.end));
  }

  #search(words: readonly string[], pattern: RegExp): string | undefined {
    for (const file of headersFirst(take(this.#tree.filesWith(...words), FILES_SEARCHED_MAX))) {
      const found = file.find(pattern)?.groups?.['tag'];
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Of `container_of(pointer, struct tag, member)`, wherever it is in a text: `tag`. */
export function containerType(text: string): StructTag | undefined {
  return /\bcontainer_of(?:_const)?\s*\([^;]{0,300}?,\s*(?:const\s+)?struct\s+(?<tag>\w+)\s*,/u.exec(text)?.groups?.[
    'tag'
  ];
}

/** `struct tag *name`, as a parameter, a variable, a member. */
export function declarationPattern(name: string, tag: string): RegExp {
  return new RegExp(`\\b${tag}\\b(?:\\s+|\\s*\\*+\\s*)(?:(?:const|__\\w+)\\s+|\\*)*${name}\\s*[;,=)\\[:]`, 'u');
}

function resultPattern(name: string): RegExp {
  return new RegExp(`\\bstruct\\s+(?<tag>\\w+)\\s*\\*+\\s*(?:__\\w+\\s+)*${name}\\s*\\(`, 'u');
}

function resultTypeIn(file: SourceFile, name: string): StructTag | undefined {
  return file.text.includes(name) ? file.find(resultPattern(name))?.groups?.['tag'] : undefined;
}

function* take<Value>(values: Iterable<Value>, countMax: number): Generator<Value, void, undefined> {
  let count = 0;
  for (const value of values) {
    if (count++ === countMax) return;
    yield value;
  }
}

function headersFirst(files: Iterable<SourceFile>): SourceFile[] {
  const all = [...files];
  return [...all.filter(({ isHeader }) => isHeader), ...all.filter(({ isHeader }) => !isHeader)];
}

function findStructBody(root: SyntaxNode, tag: StructTag): SyntaxNode | undefined {
  for (const node of descendants(root, NODES_SEARCHED_MAX)) {
    if (node.type !== 'struct_specifier' && node.type !== 'union_specifier') continue;
    const body = node.childForFieldName('body');
    const name = node.childForFieldName('name');
    if (body === null) continue;
    // One without a tag: the item is the typedef that names it.
    if (name === null || name.text === tag) return body;
  }
  return undefined;
}

const NODES_SEARCHED_MAX = 2000;

function* descendants(root: SyntaxNode, countMax: number): Generator<SyntaxNode, void, undefined> {
  const waiting = [root];
  let count = 0;
  for (let node = waiting.shift(); node !== undefined && count < countMax; node = waiting.shift(), count++) {
    yield node;
    for (const child of namedChildren(node)) waiting.push(child);
  }
}

function* namedChildren(node: SyntaxNode): Generator<SyntaxNode, void, undefined> {
  for (let index = 0; index < node.namedChildCount; index++) {
    const child = node.namedChild(index);
    if (child !== null) yield child;
  }
}

/** The tag of a type in a declaration; undefined for numbers and the like. */
export function typeTag(type: SyntaxNode | null, resolve: (name: string) => StructTag): StructTag | undefined {
  if (type === null) return undefined;
  if (type.type === 'type_identifier') return resolve(type.text);
  const isStruct = type.type === 'struct_specifier' || type.type === 'union_specifier';
  return isStruct ? type.childForFieldName('name')?.text : undefined;
}

/** The name in `*name`, `name[2]`, `(*name)(int)`. */
function memberName(declarator: SyntaxNode): string | undefined {
  let node: SyntaxNode | null = declarator;
  for (let depth = 0; node !== null && depth < DECLARATOR_DEPTH_MAX; depth++) {
    if (node.type === 'field_identifier') return node.text;
    if (!node.type.endsWith('_declarator')) return undefined;
    node = node.childForFieldName('declarator') ?? node.namedChild(0);
  }
  return undefined;
}

const DECLARATOR_DEPTH_MAX = 16;
