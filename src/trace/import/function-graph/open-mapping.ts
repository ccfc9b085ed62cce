import type { MappingMark, MappingPart } from '../../mapping-event.ts';
import type { GraphCall } from './graph-calls.ts';
import type { PartList } from './part-list.ts';

/** Where a mapping began. */
interface MappingStart extends Readonly<Omit<GraphCall, 'ns' | 'result'>> {
  readonly isUnmap: boolean;
  /** Functions around it, the innermost first. */
  readonly callerIds: readonly number[];
}

/** A mapping whose end is not read yet. */
export class OpenMapping {
  readonly start: MappingStart;
  readonly parts: PartList;
  readonly marks = new Set<MappingMark>();
  result: number | undefined;
  /** What the unlocked form around it waited for. */
  lockWait: MappingPart | undefined;

  /** @param parts an empty list */
  constructor(start: MappingStart, parts: PartList) {
    this.start = start;
    this.parts = parts;
  }

  /** A function that was entered inside it, at a depth of the stack. */
  enter(depth: number, functionId: number, ns: number): void {
    if (!this.parts.enter(depth - this.start.depth, functionId, ns)) this.marks.add('parts-cut');
  }

  leave(depth: number, ns: number): void {
    this.parts.leave(depth - this.start.depth, ns);
  }
}
