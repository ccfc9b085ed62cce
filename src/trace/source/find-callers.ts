import type { Declarations } from './declarations.ts';
import { declarationPattern } from './declarations.ts';
import { expressionType } from './expression-type.ts';
import { argumentIndex, initializedType } from './find-references.ts';
import type { ReferenceReader } from './find-references.ts';
import { calledParameters, macroUses, memberCallHolders } from './macro-tokens.ts';
import { describePlace } from './source-file.ts';
import type { SourceFile } from './source-file.ts';
import type { FillerSymbol, FunctionSymbol, SlotSymbol, SourcePlace, SourceSymbol } from './source-symbol.ts';
import type { SourceTree } from './source-tree.ts';
import type { MacroDefinition, TopLevelItem } from './split-items.ts';
import type { SyntaxNode } from './c-parser.ts';

/** One step upward from a symbol. */
export type Caller =
  | {
      readonly kind: 'symbol';
      readonly symbol: SourceSymbol;
      readonly place: SourcePlace;
      /** The variable whose member it is. */
      readonly holder?: string | undefined;
      /** The type of what the member is taken from was not found: its name decided. */
      readonly byName?: true;
    }
  | {
      readonly kind: 'handed';
      readonly to: string;
      readonly by: FunctionSymbol | undefined;
      readonly holder: string | undefined;
      readonly place: SourcePlace;
    };

/** A word in a file that was read. */
interface Spot {
  readonly file: SourceFile;
  readonly offset: number;
  readonly word: string;
}

/** Finds what calls a symbol, one step at a time. */
export class CallerFinder {
  readonly #tree: SourceTree;
  readonly #declarations: Declarations;
  readonly #references: ReferenceReader;
  readonly #macrosByMember = new Map<string, boolean>();

  constructor(tree: SourceTree, declarations: Declarations, references: ReferenceReader) {
    this.#tree = tree;
    this.#declarations = declarations;
    this.#references = references;
  }

  callersOf(symbol: SourceSymbol): Caller[] {
    switch (symbol.kind) {
      case 'function':
        return this.#callersOfFunction(symbol);
      case 'macro':
        return this.#callersOfName(symbol.name, this.#tree.filesWith(symbol.name));
      case 'filler':
        return this.#usersOfFiller(symbol);
      case 'slot':
        return this.#callersOfSlot(symbol);
      default:
        return symbol satisfies never;
    }
  }

  #callersOfFunction({ name, file: home, isStatic }: FunctionSymbol): Caller[] {
    const callers: Caller[] = [];
    for (const file of this.#tree.filesWith(name)) {
      // A file with a function of that name calls its own.
      const isOther = isStatic ? file.path !== home : file.path !== home && file.functionItem(name) !== undefined;
      if (!isOther) callers.push(...this.#callersOfName(name, [file]));
    }
    return callers;
  }

  #callersOfName(name: string, files: Iterable<SourceFile>): Caller[] {
    return [...this.#spots(name, files)].flatMap((spot) => {
      const surroundings = spot.file.surroundingsOf(spot.offset);
      if (surroundings === undefined) return [];
      if (surroundings.kind === 'macro') return macroCallers(surroundings.macro, spot);
      const use = this.#references.useOf({ ...spot, item: surroundings.item });
      if (use === undefined) return [];
      const { place } = use;
      if (use.kind === 'call') return [{ kind: 'symbol' as const, symbol: use.caller, place }];
      if (use.kind === 'slot') return [{ kind: 'symbol' as const, symbol: use.slot, place, holder: use.holder }];
      return [use];
    });
  }

  *#spots(word: string, files: Iterable<SourceFile>): Generator<Spot, void, undefined> {
    for (const file of files) for (const offset of file.occurrences(word)) yield { file, offset, word };
  }

  /** Where a macro sets members: initializers, and other macros. */
  #usersOfFiller({ name, member }: FillerSymbol): Caller[] {
    return [...this.#spots(name, this.#tree.filesWith(name))].flatMap((spot): Caller[] => {
      const surroundings = spot.file.surroundingsOf(spot.offset);
      const place = describePlace(spot.file, spot.offset);
      if (surroundings?.kind === 'macro') {
        const outer = surroundings.macro.name;
        if (outer === name) return [];
        return [{ kind: 'symbol', symbol: { kind: 'filler', name: outer, member }, place }];
      }
      const found =
        surroundings === undefined ? undefined : this.#references.nodeAt({ ...spot, item: surroundings.item });
      if (found === undefined) return [];
      const list = enclosingInitializer(found.node);
      const initialized = list === undefined ? undefined : initializedType(list, found.scope);
      if (initialized?.struct === undefined) return [];
      const { struct, holder } = initialized;
      return [{ kind: 'symbol', symbol: { kind: 'slot', struct, member }, place, holder }];
    });
  }

  #callersOfSlot(slot: SlotSymbol): Caller[] {
    const { member } = slot;
    const callsMember = new RegExp(`(?:->|\\.)\\s*${member}\\s*\\)?\\s*\\(`, 'u');
    const passesMember = new RegExp(`\\b(?<called>\\w+)\\s*\\((?:[^();]{0,200},)?\\s*${member}\\s*[,)]`, 'gu');
    return [...this.#tree.filesWith(member)].flatMap((file) => {
      const isCalled = callsMember.test(file.text);
      const isPassed = [...file.text.matchAll(passesMember)].some(({ groups }) =>
        this.#callsItsArgument(groups?.['called']),
      );
      if (!isCalled && !isPassed) return [];
      return [...this.#spots(member, [file])].flatMap((spot) => this.#slotCaller(slot, spot) ?? []);
    });
  }

  /** Whether a macro calls members that its arguments name. */
  #callsItsArgument(name: string | undefined): boolean {
    if (name === undefined) return false;
    const known = this.#macrosByMember.get(name);
    if (known !== undefined) return known;
    const callsMember = this.#declarations
      .macros(name)
      .some(({ file, macro: { parameters = [], bodyStart, end } }) =>
        calledParameters(parameters, file.code.slice(bodyStart, end)).some(({ holder }) => holder !== undefined),
      );
    this.#macrosByMember.set(name, callsMember);
    return callsMember;
  }

  #slotCaller(slot: SlotSymbol, spot: Spot): Caller | undefined {
    const { file, offset } = spot;
    const surroundings = file.surroundingsOf(offset);
    if (surroundings === undefined) return undefined;
    const place = describePlace(file, offset);
    if (surroundings.kind === 'macro') {
      const isCalled = this.#callsInMacro(surroundings.macro, file, slot);
      const symbol = { kind: 'macro', name: surroundings.macro.name } as const;
      return isCalled ? { kind: 'symbol', symbol, place, byName: true } : undefined;
    }
    const caller = this.#references.functionOf(file, surroundings.item);
    if (caller === undefined) return undefined;
    const how = this.#callsSlot(slot, spot, surroundings.item);
    if (how === undefined) return undefined;
    return { kind: 'symbol', symbol: caller, place, ...(how === 'by name' ? { byName: true } : {}) };
  }

  #callsInMacro({ bodyStart, end }: MacroDefinition, file: SourceFile, { struct, member }: SlotSymbol): boolean {
    const holders = memberCallHolders(file.code.slice(bodyStart, end), member);
    return holders.some((holder) => this.#declarations.isDeclaredAs(holder, struct));
  }

  /** Whether a function calls the slot at a word: by its type, or by a name alone. */
  #callsSlot(slot: SlotSymbol, spot: Spot, item: TopLevelItem): 'by type' | 'by name' | undefined {
    const found = this.#references.nodeAt({ ...spot, item });
    if (found === undefined) return undefined;
    const { node, scope } = found;
    if (node.type === 'identifier') return this.#passesSlot(slot, node, spot.file);
    if (node.type !== 'field_identifier' || node.parent?.type !== 'field_expression' || !isCalled(node.parent)) {
      return undefined;
    }
    const holder = node.parent.childForFieldName('argument');
    const type = expressionType(holder, scope);
    if (type !== undefined) return type === slot.struct ? 'by type' : undefined;
    return this.#isNamedLike(holder, slot.struct, spot.file) ? 'by name' : undefined;
  }

  /** Where no type was found: whether something of that name has the type elsewhere. */
  #isNamedLike(holder: SyntaxNode | null, struct: string, { code }: SourceFile): boolean {
    if (holder?.type === 'identifier') return declarationPattern(holder.text, struct).test(code);
    const name = holder?.childForFieldName('field')?.text;
    return name !== undefined && this.#declarations.isDeclaredAs(name, struct);
  }

  /** `call_memop(vb, map_dmabuf, …)`: the member's name is an argument of a macro that calls it. */
  #passesSlot({ struct }: SlotSymbol, node: SyntaxNode, file: SourceFile): 'by name' | undefined {
    const list = node.parent;
    const called = list?.type === 'argument_list' ? list.parent?.childForFieldName('function')?.text : undefined;
    const found = called === undefined ? undefined : this.#declarations.macro(called, file);
    if (found === undefined || list === null) return undefined;
    const { parameters = [], bodyStart, end } = found.macro;
    const body = found.file.code.slice(bodyStart, end);
    const index = argumentIndex(list, node);
    const isMatch = calledParameters(parameters, body).some((one) => {
      if (one.index !== index || one.holder === undefined) return false;
      // The holder may be a parameter too, as in `v4l2_subdev_call(sd, video, s_stream, 1)`.
      const at = parameters.indexOf(one.holder);
      const name = at < 0 ? one.holder : (list.namedChild(at)?.text ?? '');
      return /^\w+$/u.test(name) && this.#declarations.isDeclaredAs(name, struct);
    });
    return isMatch ? 'by name' : undefined;
  }
}

function macroCallers(macro: MacroDefinition, { file, offset, word }: Spot): Caller[] {
  if (macro.name === word || macro.parameters?.includes(word) === true) return [];
  const place = describePlace(file, offset);
  return macroUses(file.code.slice(macro.bodyStart, macro.end), word).map((use) => {
    const symbol: SourceSymbol =
      use === 'call' ? { kind: 'macro', name: macro.name } : { kind: 'filler', name: macro.name, member: use.sets };
    return { kind: 'symbol', symbol, place };
  });
}

/** Whether a member is called: `ops->f(x)`, `(*ops->f)(x)`. */
function isCalled(member: SyntaxNode): boolean {
  let node = member;
  for (let climbed = 0; climbed < 4; climbed++) {
    const { parent } = node;
    if (parent === null) return false;
    if (parent.type === 'call_expression') {
      return parent.childForFieldName('function')?.startIndex === node.startIndex;
    }
    if (parent.type !== 'parenthesized_expression' && parent.type !== 'pointer_expression') return false;
    node = parent;
  }
  return false;
}

/** The list of an initializer in which a macro stands, by itself or with parentheses. */
function enclosingInitializer(node: SyntaxNode): SyntaxNode | undefined {
  let at: SyntaxNode | null = node.parent;
  for (let climbed = 0; at !== null && climbed < 4; climbed++) {
    if (at.type === 'initializer_list') return at;
    at = at.parent;
  }
  return undefined;
}
