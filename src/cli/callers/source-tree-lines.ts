import type { CallEnd, CallNode, CallStep } from '../../trace/source/find-source-callers.ts';
import { formatAmount } from '../../base/number-format.ts';
import { formatName } from '../../base/printable-text.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatLabelled } from '../table.ts';

/** Steps of a node that lead to the same one. */
interface Branch {
  readonly node: CallNode;
  readonly steps: readonly CallStep[];
}

/** Places that are told of each branch, before a number stands for the others. */
const PLACES_MAX = 3;
const DEPTH_WIDTH = 3;
const ROOT_DEPTH = 0;

/**
 * Trees from an entry point down. What has been shown below one entry point is named under the
 * others, and not shown again.
 */
export class SourceTreeLines {
  readonly #nodes: ReadonlyMap<string, CallNode>;
  readonly #columns: number;
  readonly #shown = new Set<string>();

  constructor(nodes: readonly CallNode[], { columns }: ReportStyle) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    this.#columns = columns;
  }

  from(entry: CallNode): string[] {
    const ends = [...new Set(entry.ends.map(describeEnd))].join('; ');
    const where = entry.file === undefined ? ends : `${ends}; ${formatName(entry.file)}`;
    const isKnown = this.#shown.has(entry.id);
    const lines = this.#line(entry, '', isKnown ? `${where} (shown above)` : where);
    return isKnown ? lines : [...lines, ...this.#below(entry, '')];
  }

  /** Deep trees are few lines each: a stack of calls is no deeper than the search. */
  #below(node: CallNode, indent: string): string[] {
    this.#shown.add(node.id);
    const branches = this.#branchesOf(node);
    const printed: string[] = [];
    for (const [index, branch] of branches.entries()) {
      const isLast = index === branches.length - 1;
      const label = `${indent}${isLast ? '└ ' : '├ '}`;
      const isKnown = this.#shown.has(branch.node.id) && branch.node.depth > ROOT_DEPTH;
      const where = describeSteps(node, branch);
      printed.push(...this.#line(branch.node, label, isKnown ? `${where} (shown above)` : where));
      if (isKnown || branch.node.depth === ROOT_DEPTH) continue;
      printed.push(...this.#below(branch.node, `${indent}${isLast ? '  ' : '│ '}`));
    }
    return printed;
  }

  #branchesOf({ leadsTo }: CallNode): Branch[] {
    const steps = new Map<string, CallStep[]>();
    for (const step of leadsTo) steps.set(step.id, [...(steps.get(step.id) ?? []), step]);
    return [...steps].flatMap(([id, own]) => {
      const node = this.#nodes.get(id);
      return node === undefined ? [] : [{ node, steps: own }];
    });
  }

  #line({ depth, name }: CallNode, indent: string, where: string): string[] {
    return formatLabelled(
      `${String(depth).padStart(DEPTH_WIDTH)} ${indent}${formatName(name)}  `,
      where,
      this.#columns,
    );
  }
}

/** Where a node leads on to another, and how, where that is no call. */
function describeSteps(from: CallNode, { steps }: Branch): string {
  const told = steps.slice(0, PLACES_MAX).map(({ place, holder, byName }) => {
    const setBy = from.kind === 'slot' && holder !== undefined ? `${formatName(holder)} ` : '';
    return `${setBy}${formatName(place.file)}:${place.line}${byName === true ? ' (by name)' : ''}`;
  });
  const more = steps.length - told.length;
  const text = `${told.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return from.kind === 'slot' ? `set in ${text}` : text;
}

function describeEnd(end: CallEnd): string {
  switch (end.reason) {
    case 'interface':
      return `${end.meaning}${end.calls.length === 0 ? '' : `: ${describeCalls(end.calls)}`}`;
    case 'many callers':
      return describeCalls(end.calls);
    case 'handed':
      return `given to ${formatName(end.to)}${end.by === undefined ? '' : ` in ${formatName(end.by)}`}`;
    case 'depth':
      return 'its callers were not looked for';
    case 'no callers':
      return 'nothing calls it by its name';
    default:
      return end satisfies never;
  }
}

function describeCalls(calls: readonly { readonly file: string }[]): string {
  const fileCount = new Set(calls.map(({ file }) => file)).size;
  return `${formatAmount(calls.length, 'call', 'calls')} in ${formatAmount(fileCount, 'file', 'files')}`;
}
