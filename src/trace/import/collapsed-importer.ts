import { findCallPath } from '../call-path.ts';
import { functionName, roleOf } from '../map-functions.ts';
import type { StackFrame } from '../stack-frame.ts';
import type { ImportContext } from './import-context.ts';
import type { LineImporter } from './line-importer.ts';
import type { SourceLine } from './source-line.ts';

const LINE = /^(?<stack>[^;]{1,256}(?:;[^;]{1,256}){0,511}) (?<count>\d{1,15})\s*$/u;
/** `_[k]` and `_[j]` of stackcollapse-perf.pl, and offsets where those were kept. */
const ANNOTATION = /(?:_\[\w\])?(?:\+0x[0-9a-f]+)?$/u;

/** Collapsed stacks: the outermost function first, `;` between them, and how often. */
export class CollapsedImporter implements LineImporter {
  readonly #context: ImportContext;

  constructor(context: ImportContext) {
    this.#context = context;
  }

  take(line: SourceLine): boolean {
    const { stack = '', count } = LINE.exec(line.text)?.groups ?? {};
    // A word and a number may be anything, but for a map function without callers.
    if (count === undefined || (!stack.includes(';') && roleOf(stack) === 'none')) return false;
    const found = findCallPath(stack.split(';').toReversed().map(toFrame));
    if (found === undefined) return true;
    const counted = Number(count) === 1 ? {} : { count: Number(count) };
    const event = { line: line.number, ...found.fields, ...counted };
    if (found.kind === 'unmapping') this.#context.emitUnmapping('collapsed', { kind: 'unmapping', ...event });
    else this.#context.emitMapping('collapsed', { kind: 'mapping', ...event });
    return true;
  }

  end(): void {
    // Each line stands for itself.
  }
}

function toFrame(text: string): StackFrame {
  return { name: functionName(text.trim().replace(ANNOTATION, '')) };
}
