import type { MappingEvent } from '../mapping-event.ts';

/** What a stack's weight counts. */
export type StackWeight = 'calls' | 'ns';

/** A stack, outermost function first, and what it weighs. */
export interface WeightedStack {
  readonly frames: readonly string[];
  readonly weight: number;
}

const STACKS_MAX = 262_144;
/** A kernel's stacks together have some thousands; a hostile file has long names. */
const KEPT_LENGTH_MAX = 2 ** 26;
const SEPARATOR = ';';

/**
 * Adds up mappings by stack. By calls, a stack ends at `path[0]`; by nanoseconds, it goes on into
 * the parts, each with what it took itself. The wait for the lock stands beside `path[0]`.
 */
export class StackTotals {
  readonly #weightKind: StackWeight;
  readonly #weights = new Map<string, number>();
  #keptLength = 0;
  /** Weight of stacks beyond those that are kept apart. */
  otherWeight = 0;

  constructor(weightKind: StackWeight) {
    this.#weightKind = weightKind;
  }

  add(event: MappingEvent): void {
    const frames = event.path.toReversed().map(cleanFrame);
    if (this.#weightKind === 'calls') this.#count(frames, event.count ?? 1);
    else if (typeof event.durationNs === 'number') this.#addTimes(frames, event, event.durationNs);
  }

  stacks(): WeightedStack[] {
    return [...this.#weights].map(([key, weight]) => ({ frames: key.split(SEPARATOR), weight }));
  }

  #addTimes(frames: readonly string[], { parts = [] }: MappingEvent, durationNs: number): void {
    // By depth: the function that is open there, and what of its time no part has taken yet.
    const open: { readonly frames: readonly string[]; ownNs: number }[] = [{ frames, ownNs: durationNs }];
    const close = (depth: number): void => {
      for (const { frames: stack, ownNs } of open.splice(depth).toReversed()) if (ownNs > 0) this.#count(stack, ownNs);
    };
    for (const { name, depth, ns = 0 } of parts) {
      if (depth === 0) {
        if (ns > 0) this.#count([...frames.slice(0, -1), cleanFrame(name)], ns);
        continue;
      }
      close(depth);
      const parent = open.at(-1);
      if (parent === undefined) continue;
      parent.ownNs -= ns;
      open.push({ frames: [...parent.frames, cleanFrame(name)], ownNs: ns });
    }
    close(0);
  }

  #count(frames: readonly string[], weight: number): void {
    const key = frames.join(SEPARATOR);
    const known = this.#weights.get(key);
    if (known !== undefined) this.#weights.set(key, known + weight);
    else if (this.#weights.size < STACKS_MAX && this.#keptLength + key.length <= KEPT_LENGTH_MAX) {
      this.#weights.set(key, weight);
      this.#keptLength += key.length;
    } else this.otherWeight += weight;
  }
}

/** In a collapsed stack, a semicolon and a blank mean something. */
export function cleanFrame(name: string): string {
  return name.replaceAll(/[;\s]/gu, '_');
}
