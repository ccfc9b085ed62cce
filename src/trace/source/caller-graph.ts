import type { Caller, CallerFinder } from './find-callers.ts';
import { INTERFACE_FUNCTIONS, INTERFACE_STRUCTS } from './named-interfaces.ts';
import { symbolKey, symbolName } from './source-symbol.ts';
import type { FunctionSymbol, SourcePlace, SourceSymbol } from './source-symbol.ts';

/** One step down, towards `dma_buf_vmap`. */
export interface CallStep {
  /** Of the node that it leads to. */
  readonly id: string;
  /** The call, the initializer that sets the member, or the use of the macro. */
  readonly place: SourcePlace;
  /** The variable whose member is set. */
  readonly holder?: string;
  /** Its type was not found: names decided. */
  readonly byName?: true;
}

/** Why a search stops at a node. */
export type CallEnd = InterfaceEnd | ManyCallersEnd | DepthEnd | HandedEnd | NoCallersEnd;

/** It is a known interface: its meaning stands for what is above. */
export interface InterfaceEnd {
  /** Tells the ends apart. */
  readonly reason: 'interface';
  /** What the interface is for. */
  readonly meaning: string;
  /** Where it is called. */
  readonly calls: readonly SourcePlace[];
}

/** So many call it that it is an interface by itself. */
export interface ManyCallersEnd {
  /** Tells the ends apart. */
  readonly reason: 'many callers';
  /** Where it is called. */
  readonly calls: readonly SourcePlace[];
}

/** It is as far from `dma_buf_vmap` as the search goes. */
export interface DepthEnd {
  /** Tells the ends apart. */
  readonly reason: 'depth';
}

/** Given to something that calls it later: a work item, a table of ioctls. */
export interface HandedEnd {
  /** Tells the ends apart. */
  readonly reason: 'handed';
  /** The function, the macro or the struct that it is given to. */
  readonly to: string;
  /** The function that gives it, or the variable that it is written into. */
  readonly by?: string;
  /** Where it is given. */
  readonly place: SourcePlace;
}

/** Nothing in the tree calls it by its name. */
export interface NoCallersEnd {
  /** Tells the ends apart. */
  readonly reason: 'no callers';
}

/** A function, a macro, or a member of a struct on the way to `dma_buf_vmap`. */
export interface CallNode {
  /** Unique in one search. */
  readonly id: string;
  /** `slot`: a member of a struct; `filler`: a macro that sets members; `macro`: one that calls. */
  readonly kind: SourceSymbol['kind'];
  /** Such as `vb2_dc_vaddr`, or `vb2_mem_ops.vaddr`. */
  readonly name: string;
  /** Where a function's body is. */
  readonly file?: string;
  /** How many functions are between it and `dma_buf_vmap`, on the shortest way, itself counted. */
  readonly depth: number;
  /** What it leads to: a function calls, a member is set to, a macro expands to. */
  readonly leadsTo: readonly CallStep[];
  /** Why nothing above it is told. Several: it is handed to several. */
  readonly ends: readonly CallEnd[];
}

/** How far a search goes. */
interface SearchLimits {
  readonly depthMax: number;
  /** A function with more callers than these is an interface by itself. */
  readonly callersMax: number;
}

interface GrowingNode {
  readonly symbol: SourceSymbol;
  readonly depth: number;
  readonly leadsTo: CallStep[];
  readonly ends: CallEnd[];
}

/** What calls a function, and what calls that, up to named interfaces. */
export class CallerGraph {
  readonly #finder: CallerFinder;
  readonly #limits: SearchLimits;
  readonly #nodes = new Map<string, GrowingNode>();

  constructor(finder: CallerFinder, limits: SearchLimits) {
    this.#finder = finder;
    this.#limits = limits;
  }

  /** All of them, each frozen, in the order in which they were found. */
  nodes(): CallNode[] {
    return [...this.#nodes].map(([id, node]) => toCallNode(id, node));
  }

  /** Searches from `root` upward, nearest first. Yields after each symbol, which takes a while. */
  *grow(root: FunctionSymbol): Generator<void, void, undefined> {
    this.#add(root, 0);
    const waiting = [symbolKey(root)];
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const node = this.#nodes.get(id);
      if (node !== undefined) waiting.push(...this.#climb(id, node));
      yield;
    }
  }

  #add(symbol: SourceSymbol, depth: number): GrowingNode {
    const node = { symbol, depth, leadsTo: [], ends: [] };
    this.#nodes.set(symbolKey(symbol), node);
    return node;
  }

  /** Returns the nodes that are new. */
  #climb(id: string, node: GrowingNode): string[] {
    const { symbol, depth } = node;
    const meaning = meaningOf(symbol);
    if (depth >= this.#limits.depthMax && meaning === undefined) {
      node.ends.push({ reason: 'depth' });
      return [];
    }
    // What the kernel calls for a program or a device, it calls from everywhere.
    if (meaning !== undefined && symbol.kind === 'slot') {
      node.ends.push({ reason: 'interface', meaning, calls: [] });
      return [];
    }
    const callers = this.#finder.callersOf(symbol).filter((caller) => !isItself(caller, symbol));
    const calls = callers.map(({ place }) => place);
    if (meaning !== undefined) node.ends.push({ reason: 'interface', meaning, calls });
    else if (countSymbols(callers) > this.#limits.callersMax) node.ends.push({ reason: 'many callers', calls });
    else if (callers.length === 0) node.ends.push({ reason: 'no callers' });
    else return callers.flatMap((caller) => this.#connect(id, node, caller) ?? []);
    return [];
  }

  /** Returns the caller's node if it is new. */
  #connect(id: string, node: GrowingNode, caller: Caller): string | undefined {
    if (caller.kind === 'handed') {
      const { to, by, holder, place } = caller;
      const giver = by?.name ?? holder;
      node.ends.push({ reason: 'handed', to, ...(giver === undefined ? {} : { by: giver }), place });
      return undefined;
    }
    const { symbol, place, holder, byName } = caller;
    const upper = symbolKey(symbol);
    const known = this.#nodes.get(upper);
    const depth = node.depth + (symbol.kind === 'function' ? 1 : 0);
    const { leadsTo } = known ?? this.#add(symbol, depth);
    leadsTo.push({
      id,
      place,
      ...(holder === undefined ? {} : { holder }),
      ...(byName === undefined ? {} : { byName }),
    });
    return known === undefined ? upper : undefined;
  }
}

function toCallNode(id: string, { symbol, depth, leadsTo, ends }: GrowingNode): CallNode {
  const file = symbol.kind === 'function' ? symbol.file : undefined;
  const named = { id, kind: symbol.kind, name: symbolName(symbol), ...(file === undefined ? {} : { file }) };
  return Object.freeze({ ...named, depth, leadsTo: Object.freeze(leadsTo), ends: Object.freeze(ends) });
}

function meaningOf(symbol: SourceSymbol): string | undefined {
  if (symbol.kind === 'function') return INTERFACE_FUNCTIONS.get(symbol.name);
  return symbol.kind === 'slot' ? INTERFACE_STRUCTS.get(symbol.struct) : undefined;
}

function isItself(caller: Caller, symbol: SourceSymbol): boolean {
  return caller.kind === 'symbol' && symbolKey(caller.symbol) === symbolKey(symbol);
}

function countSymbols(callers: readonly Caller[]): number {
  return new Set(callers.map((caller) => (caller.kind === 'symbol' ? symbolKey(caller.symbol) : ''))).size;
}
