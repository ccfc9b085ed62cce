/** A place in a file of the tree. */
export interface SourcePlace {
  /** From the root of the tree. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The line, without the blanks around it. */
  readonly text: string;
}

/** What leads to a call: a function, a macro, or a member of a struct that is set to one. */
export type SourceSymbol = FunctionSymbol | MacroSymbol | FillerSymbol | SlotSymbol;

export interface FunctionSymbol {
  readonly kind: 'function';
  readonly name: string;
  /** The file with its body; undefined for the one that the search began with, if it has none. */
  readonly file: string | undefined;
  /** Whether no other file can call it by its name. */
  readonly isStatic: boolean;
}

/** A macro that calls. */
interface MacroSymbol {
  readonly kind: 'macro';
  readonly name: string;
}

/** A macro that sets members, such as `DRM_GEM_SHADOW_PLANE_HELPER_FUNCS`. */
export interface FillerSymbol {
  readonly kind: 'filler';
  readonly name: string;
  readonly member: string;
}

/** A function pointer that is a member of a struct. */
export interface SlotSymbol {
  readonly kind: 'slot';
  readonly struct: string;
  readonly member: string;
}

/** Equal for the same symbol. */
export function symbolKey(symbol: SourceSymbol): string {
  switch (symbol.kind) {
    case 'function':
      return `function ${symbol.name}${symbol.isStatic ? ` ${symbol.file}` : ''}`;
    case 'macro':
      return `macro ${symbol.name}`;
    case 'filler':
      return `filler ${symbol.name}.${symbol.member}`;
    case 'slot':
      return `slot ${symbol.struct}.${symbol.member}`;
    default:
      return symbol satisfies never;
  }
}

/** As a person writes it: `vb2_mem_ops.vaddr`. */
export function symbolName(symbol: SourceSymbol): string {
  return symbol.kind === 'slot' ? `${symbol.struct}.${symbol.member}` : symbol.name;
}
