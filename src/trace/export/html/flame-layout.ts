import type { WeightedStack } from '../stack-totals.ts';

/** A function of a flame graph, at one place among its callers. */
export interface FlameFrame {
  readonly name: string;
  /** 0 is the outermost. */
  readonly depth: number;
  /** Where it begins, in the stacks' unit, from the left. */
  readonly start: number;
  /** With all that it calls. */
  readonly weight: number;
  /** Without what it calls. */
  readonly ownWeight: number;
}

/** A flame graph that is laid out. */
export interface FlameLayout {
  /** Callers before what they call, from the left to the right. */
  readonly frames: readonly FlameFrame[];
  readonly totalWeight: number;
  readonly depthCount: number;
  /** How many frames are left out: too small, or too deep. */
  readonly leftOutCount: number;
}

interface Node {
  readonly name: string;
  readonly depth: number;
  readonly children: Map<string, Node>;
  weight: number;
  ownWeight: number;
}

/** More frames than these nobody looks at, and the page would be large. */
const FLAME_FRAMES_MAX = 2500;
/** Deeper than a kernel's stack of 16 KiB gets in practice. */
const DEPTH_MAX = 64;

/**
 * Lays out stacks: those with the same callers lie side by side, the heaviest on the left. Where
 * there are too many, the lightest frames are left out; a caller is never lighter than what it
 * calls.
 */
export function layOutFlameGraph(stacks: readonly WeightedStack[], framesMax = FLAME_FRAMES_MAX): FlameLayout {
  const root: Node = { name: '', depth: -1, children: new Map(), weight: 0, ownWeight: 0 };
  const nodes: Node[] = [];
  let tooDeepCount = 0;
  for (const { frames, weight } of stacks) {
    tooDeepCount += Math.max(0, frames.length - DEPTH_MAX);
    addStack(root, frames.slice(0, DEPTH_MAX), weight, nodes);
  }
  const kept = new Set(
    nodes.length <= framesMax
      ? nodes
      : nodes.toSorted((one, other) => other.weight - one.weight || one.depth - other.depth).slice(0, framesMax),
  );
  const frames: FlameFrame[] = [];
  placeChildren(root, 0, kept, frames);
  return {
    frames,
    totalWeight: root.weight,
    depthCount: frames.reduce((most, { depth }) => Math.max(most, depth + 1), 0),
    leftOutCount: nodes.length - frames.length + tooDeepCount,
  };
}

function addStack(root: Node, frames: readonly string[], weight: number, nodes: Node[]): void {
  let node = root;
  node.weight += weight;
  for (const name of frames) {
    const known = node.children.get(name);
    const child = known ?? { name, depth: node.depth + 1, children: new Map<string, Node>(), weight: 0, ownWeight: 0 };
    if (known === undefined) {
      node.children.set(name, child);
      nodes.push(child);
    }
    child.weight += weight;
    node = child;
  }
  node.ownWeight += weight;
}

function placeChildren(parent: Node, start: number, kept: ReadonlySet<Node>, into: FlameFrame[]): void {
  let next = start;
  const children = [...parent.children.values()]
    .filter((node) => kept.has(node))
    .toSorted((one, other) => other.weight - one.weight || compareNames(one.name, other.name));
  for (const node of children) {
    const { name, depth, weight, ownWeight } = node;
    into.push({ name, depth, start: next, weight, ownWeight });
    placeChildren(node, next, kept, into);
    next += weight;
  }
}

function compareNames(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
