import { LOCK_FUNCTION } from '../../map-functions.ts';
import type { MappingPart } from '../../mapping-event.ts';
import type { FunctionNames } from './function-names.ts';
import { GRAPH_DEPTH_MAX } from './graph-task.ts';

/** A page table of 8 GiB has 4,096 pages: more calls than these say nothing more. */
const PARTS_MAX = 10_000;
const ROOM_AT_FIRST = 128;
const NONE = -1;

/**
 * The functions that ran inside a mapping. In typed arrays that serve one mapping after another: of
 * a long trace, this is what there is most of.
 */
export class PartList {
  #count = 0;
  #ids = new Int32Array(ROOM_AT_FIRST);
  #depths = new Int32Array(ROOM_AT_FIRST);
  /** NaN where it is not known. */
  #ns = new Float64Array(ROOM_AT_FIRST);
  /** By depth: the part that is open there. */
  readonly #open = new Int32Array(GRAPH_DEPTH_MAX + 1).fill(NONE);

  clear(): void {
    this.#count = 0;
    this.#open.fill(NONE);
  }

  /** @returns whether there was room for it */
  enter(depth: number, functionId: number, ns: number): boolean {
    const index = this.#count;
    if (index >= PARTS_MAX) {
      this.#open[depth] = NONE;
      return false;
    }
    if (index >= this.#ids.length) this.#grow();
    this.#open[depth] = index;
    this.#ids[index] = functionId;
    this.#depths[index] = depth;
    this.#ns[index] = ns;
    this.#count = index + 1;
    return true;
  }

  /** The function that was entered last at this depth ends. */
  leave(depth: number, ns: number): void {
    const index = this.#open[depth] ?? NONE;
    if (index === NONE) return;
    this.#open[depth] = NONE;
    this.#ns[index] = ns;
  }

  /** Literals, not spreads: most of the time of a long trace goes into these objects. */
  toParts(names: FunctionNames): MappingPart[] {
    const parts: MappingPart[] = [];
    for (let index = 0; index < this.#count; index += 1) {
      const { name } = names.get(this.#ids[index] as number);
      const depth = this.#depths[index] as number;
      const ns = this.#ns[index] as number;
      parts.push(Number.isNaN(ns) ? { name, depth } : { name, depth, ns });
    }
    return parts;
  }

  /**
   * The lock that was taken last by the function itself, as a part of what comes next. Undefined:
   * none was.
   */
  lockWait(names: FunctionNames): MappingPart | undefined {
    const lock = this.toParts(names).findLast(({ name, depth }) => depth === 1 && LOCK_FUNCTION.test(name));
    return lock === undefined ? undefined : { ...lock, depth: 0 };
  }

  /** The last one first. */
  functionIds(): number[] {
    return [...this.#ids.subarray(0, this.#count)].toReversed();
  }

  #grow(): void {
    const length = Math.min(this.#ids.length * 2, PARTS_MAX);
    const [ids, depths, ns] = [this.#ids, this.#depths, this.#ns];
    this.#ids = new Int32Array(length);
    this.#depths = new Int32Array(length);
    this.#ns = new Float64Array(length);
    this.#ids.set(ids);
    this.#depths.set(depths);
    this.#ns.set(ns);
  }
}
