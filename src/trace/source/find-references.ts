import type { CParser, SyntaxNode } from './c-parser.ts';
import type { Declarations } from './declarations.ts';
import { expressionType } from './expression-type.ts';
import type { Scope } from './expression-type.ts';
import { calledParameters } from './macro-tokens.ts';
import { describePlace } from './source-file.ts';
import type { SourceFile } from './source-file.ts';
import type { FunctionSymbol, SlotSymbol, SourcePlace } from './source-symbol.ts';
import type { TopLevelItem } from './split-items.ts';

/** What is done with the name of a function outside macros. */
type NameUse =
  | { readonly kind: 'call'; readonly caller: FunctionSymbol; readonly place: SourcePlace }
  | {
      readonly kind: 'slot';
      readonly slot: SlotSymbol;
      /** The variable that is initialized, or the function that assigns. */
      readonly holder: string | undefined;
      readonly place: SourcePlace;
    }
  /** Given to something that calls it later, or put into a table whose type says nothing. */
  | {
      readonly kind: 'handed';
      readonly to: string;
      readonly by: FunctionSymbol | undefined;
      readonly holder: string | undefined;
      readonly place: SourcePlace;
    };

/** What is looked at: a word of an item. */
interface Occurrence {
  readonly file: SourceFile;
  readonly item: TopLevelItem;
  readonly offset: number;
  readonly word: string;
}

/** Macros at the top level that name a function without calling it. */
const NAMING_MACRO =
  /^(?:EXPORT_|_*MODULE_|ALLOW_ERROR_INJECTION|NOKPROBE_|BTF_|ASYNC_|STACK_FRAME_NON_STANDARD|ERROR_INJECT)/u;
/** Nothing that a person writes is nested deeper below a function's statements. */
const CLIMB_MAX = 40;

/** Reads single occurrences of names. */
export class ReferenceReader {
  readonly #parser: CParser;
  readonly #declarations: Declarations;

  constructor(parser: CParser, declarations: Declarations) {
    this.#parser = parser;
    this.#declarations = declarations;
  }

  /** The function that an item is; undefined for one that is none. */
  functionOf(file: SourceFile, item: TopLevelItem): FunctionSymbol | undefined {
    const name = file.functionName(item);
    if (name === undefined || item.bodyStart === undefined) return undefined;
    const isStatic = /\bstatic\b/u.test(file.code.slice(item.start, item.bodyStart)) && !file.isHeader;
    return { kind: 'function', name, file: file.path, isStatic };
  }

  /** The node of a word, with what is needed for types; undefined where it cannot be parsed. */
  nodeAt({ file, item, offset, word }: Occurrence): { readonly node: SyntaxNode; readonly scope: Scope } | undefined {
    const root = this.#parser.parse(item, file.codeOf(item));
    const start = offset - item.start;
    const node = root?.descendantForIndex(start, start + word.length) ?? null;
    if (root === undefined || node === null) return undefined;
    return { node, scope: { file, root, start: item.start, declarations: this.#declarations } };
  }

  /** What is done with the function `word` here; undefined for a declaration and the like. */
  useOf(occurrence: Occurrence): NameUse | undefined {
    const { file, item, offset, word } = occurrence;
    const found = this.nodeAt(occurrence);
    const place = describePlace(file, offset);
    const caller = this.functionOf(file, item);
    const isInBody = item.bodyStart !== undefined && offset > item.bodyStart;
    if (found?.node.type === 'identifier') {
      const use = this.#readUse(found.node, found.scope, { place, caller: isInBody ? caller : undefined });
      if (use !== 'unclear') return use;
    } else if (found?.node.type.endsWith('_identifier') === true) return undefined;
    // The grammar has no node for it, as behind a macro that is no C: a name with a parenthesis in
    // a body is a call.
    const isCall = isInBody && /^\s*\(/u.test(file.code.slice(offset + word.length, offset + word.length + 80));
    return isCall && caller !== undefined && caller.name !== word ? { kind: 'call', caller, place } : undefined;
  }

  #readUse(
    start: SyntaxNode,
    scope: Scope,
    { place, caller }: { readonly place: SourcePlace; readonly caller: FunctionSymbol | undefined },
  ): NameUse | 'unclear' | undefined {
    let node = start;
    for (let climbed = 0; climbed < CLIMB_MAX; climbed++) {
      const { parent } = node;
      if (parent === null) return 'unclear';
      switch (parent.type) {
        case 'call_expression':
          if (!isField(parent, 'function', node)) return undefined;
          return caller === undefined ? undefined : { kind: 'call', caller, place };
        case 'argument_list':
          return readArgument(node, parent, { place, caller, scope });
        case 'initializer_pair':
        case 'initializer_list':
          return readInitializer(parent, scope, place);
        case 'init_declarator':
          // `fn = name;` of a variable: what calls the variable is here.
          return isField(parent, 'value', node) && caller !== undefined ? { kind: 'call', caller, place } : undefined;
        case 'assignment_expression':
          return isField(parent, 'right', node) ? readAssignment(parent, scope, { place, caller }) : undefined;
        case 'parenthesized_expression':
        case 'pointer_expression':
        case 'cast_expression':
        case 'conditional_expression':
          node = parent;
          break;
        case 'ERROR':
          return 'unclear';
        default:
          return undefined;
      }
    }
    return 'unclear';
  }
}

interface UseContext {
  readonly place: SourcePlace;
  readonly caller: FunctionSymbol | undefined;
}

function isField(parent: SyntaxNode, field: string, node: SyntaxNode): boolean {
  const child = parent.childForFieldName(field);
  return child?.startIndex === node.startIndex && child.endIndex === node.endIndex;
}

/** An argument of a macro that calls it is a call; of anything else, it is handed on. */
function readArgument(
  node: SyntaxNode,
  list: SyntaxNode,
  { place, caller, scope }: UseContext & { readonly scope: Scope },
): NameUse | undefined {
  const called = list.parent?.childForFieldName('function')?.text ?? '';
  if (caller === undefined && NAMING_MACRO.test(called)) return undefined;
  const macro = /^\w+$/u.test(called) ? scope.declarations.macro(called, scope.file) : undefined;
  if (macro !== undefined && caller !== undefined) {
    const index = argumentIndex(list, node);
    const { parameters = [], bodyStart, end } = macro.macro;
    const body = macro.file.code.slice(bodyStart, end);
    const isCalled = calledParameters(parameters, body).some((one) => one.index === index && one.holder === undefined);
    if (isCalled) return { kind: 'call', caller, place };
  }
  if (caller === undefined) return { kind: 'handed', to: called, by: undefined, holder: holderOf(list), place };
  return { kind: 'handed', to: called, by: caller, holder: undefined, place };
}

export function argumentIndex(list: SyntaxNode, node: SyntaxNode): number {
  for (let index = 0; index < list.namedChildCount; index++) {
    const child = list.namedChild(index);
    if (child !== null && child.startIndex <= node.startIndex && node.endIndex <= child.endIndex) return index;
  }
  return -1;
}

function readInitializer(parent: SyntaxNode, scope: Scope, place: SourcePlace): NameUse | undefined {
  const initialized = initializedType(parent, scope);
  if (initialized === undefined) return undefined;
  const { struct, member, holder } = initialized;
  if (struct === undefined || member === undefined) {
    return { kind: 'handed', to: holder ?? 'a table', by: undefined, holder, place };
  }
  return { kind: 'slot', slot: { kind: 'slot', struct, member }, holder, place };
}

/** What an initializer sets. */
interface Initialized {
  readonly struct: string | undefined;
  /** Undefined where it goes by position. */
  readonly member: string | undefined;
  readonly holder: string | undefined;
}

/** @param node an `initializer_pair`, or an `initializer_list` for what stands in it directly */
export function initializedType(node: SyntaxNode, scope: Scope): Initialized | undefined {
  const path: string[] = [];
  let at: SyntaxNode | null = node;
  for (let climbed = 0; at !== null && climbed < CLIMB_MAX; climbed++) {
    if (at.type === 'initializer_pair') path.unshift(...designators(at));
    else if (at.type === 'init_declarator' || at.type === 'compound_literal_expression') {
      return finishInitialized(at, path, scope);
    } else if (at.type === 'ERROR' || at.type.endsWith('_statement')) break;
    at = at.parent;
  }
  return undefined;
}

function finishInitialized(node: SyntaxNode, path: readonly string[], scope: Scope): Initialized {
  const owner = node.type === 'init_declarator' ? node.parent : node;
  const holder = /\w+/u.exec(node.childForFieldName('declarator')?.text ?? '')?.[0];
  const tag = structOf(owner, scope);
  let struct = tag;
  for (const member of path.slice(0, -1)) {
    struct = struct === undefined ? undefined : scope.declarations.memberType(struct, member);
  }
  return { struct, member: path.at(-1), holder };
}

function structOf(owner: SyntaxNode | null, { declarations }: Scope): string | undefined {
  const type = owner?.childForFieldName('type') ?? null;
  if (type === null) return undefined;
  const written = /\b(?:struct|union)\s+(?<tag>\w+)/u.exec(type.text)?.groups?.['tag'];
  if (written !== undefined) return written;
  return type.type === 'type_identifier' ? declarations.resolveTypedef(type.text) : undefined;
}

/** Of `.a.b = x` the names; places in arrays are left out. */
function designators(pair: SyntaxNode): string[] {
  const names: string[] = [];
  for (let index = 0; index < pair.namedChildCount; index++) {
    const child = pair.namedChild(index);
    if (child?.type === 'field_designator') names.push(child.text.replace(/^\.\s*/u, ''));
  }
  return names;
}

function holderOf(node: SyntaxNode): string | undefined {
  let at: SyntaxNode | null = node;
  for (let climbed = 0; at !== null && climbed < CLIMB_MAX; climbed++) {
    if (at.type === 'init_declarator') return /\w+/u.exec(at.childForFieldName('declarator')?.text ?? '')?.[0];
    at = at.parent;
  }
  return undefined;
}

function readAssignment(parent: SyntaxNode, scope: Scope, { place, caller }: UseContext): NameUse | undefined {
  const left = parent.childForFieldName('left');
  if (left?.type === 'field_expression') {
    const struct = expressionType(left.childForFieldName('argument'), scope);
    const member = left.childForFieldName('field')?.text;
    if (struct !== undefined && member !== undefined) {
      return { kind: 'slot', slot: { kind: 'slot', struct, member }, holder: caller?.name, place };
    }
    return { kind: 'handed', to: left.text, by: caller, holder: undefined, place };
  }
  return caller === undefined ? undefined : { kind: 'call', caller, place };
}
