import { findCallPath, withoutProbeFrames } from '../call-path.ts';
import { functionName } from '../map-functions.ts';
import type { StackFrame } from '../stack-frame.ts';
import type { ImportContext } from './import-context.ts';
import type { LineImporter } from './line-importer.ts';
import type { SourceLine } from './source-line.ts';

/** BPF keeps at most 127 frames; a text may claim more. */
const FRAMES_MAX = 512;

/** `@maps[` begins a key with a stack in it. */
const KEY = /^@\w*\[\s*$/u;
/** `, rec, 614400]: 12` ends it: what else is in the key, and the count. */
const VALUE = /^(?<rest>[^\]]{0,256})\]: (?<count>\d{1,15})\s*$/u;
/**
 * `    dma_buf_vmap+1`, in decimal; in mode perf with address and object: `ffff dma_buf_vmap+1
 * ([k])`.
 */
const FRAME =
  /^\s+(?:[0-9a-f]{8,16}\s+)?(?<symbol>[A-Za-z_][\w.$]{0,255})\+(?:0x[0-9a-f]+|\d+)(?: \[(?<module>[\w-]+)\])?(?:\s+\([^()]{0,256}\))?\s*$/u;
const ADDRESS = /^\s+0x[0-9a-f]{4,16}\s*$/u;
const LOST = /^(?:WARNING: )?Lost (?<count>\d+) events\b/iu;

/** Stacks that bpftrace prints: keys of a map with their counts, or one `kstack` after another. */
export class BpftraceImporter implements LineImporter {
  readonly #context: ImportContext;
  #frames: StackFrame[] = [];
  #lines: number[] = [];
  #isKey = false;

  constructor(context: ImportContext) {
    this.#context = context;
  }

  take(line: SourceLine): boolean {
    const { text } = line;
    const frame = FRAME.exec(text)?.groups;
    if (frame !== undefined) {
      this.#addFrame(frame, line.number);
      return true;
    }
    if (ADDRESS.test(text) && (this.#isKey || this.#frames.length > 0)) return true;
    const value = VALUE.exec(text)?.groups;
    if (this.#isKey && value !== undefined) {
      this.#give({ count: Number(value['count']), ...taskOf(value['rest'] ?? '') });
      return true;
    }
    return this.#takeOther(line);
  }

  end(): void {
    this.#give({});
  }

  #takeOther(line: SourceLine): boolean {
    const { text } = line;
    if (KEY.test(text)) {
      this.#give({});
      this.#isKey = true;
      return true;
    }
    const lost = LOST.exec(text)?.groups?.['count'];
    if (lost !== undefined) {
      this.#context.countLost(Number(lost));
      return true;
    }
    if (this.#isKey && text.trim() !== '') {
      if (!/^[\w:./, -]{0,256}$/u.test(text)) this.#context.countUnreadable(line.number);
      return true;
    }
    if (this.#frames.length === 0) return false;
    this.#give({});
    return text.trim() === '';
  }

  #addFrame({ symbol = '', module }: Readonly<Record<string, string | undefined>>, line: number): void {
    if (this.#frames.length >= FRAMES_MAX) return;
    this.#frames.push({ name: functionName(symbol), ...(module === undefined ? {} : { module }) });
    this.#lines.push(line);
  }

  #give(counted: { readonly count?: number; readonly task?: { readonly comm: string } }): void {
    const all = this.#frames;
    const frames = withoutProbeFrames(all);
    const cutCount = all.length - frames.length;
    const lines = this.#lines;
    this.#frames = [];
    this.#lines = [];
    this.#isKey = false;
    const found = findCallPath(frames);
    if (found === undefined) return;
    const { count = 1, ...rest } = counted;
    const line = lines[found.index + cutCount] ?? 0;
    const event = { line, ...rest, ...found.fields, ...(count === 1 ? {} : { count }) };
    if (found.kind === 'unmapping') this.#context.emitUnmapping('bpftrace', { kind: 'unmapping', ...event });
    else this.#context.emitMapping('bpftrace', { kind: 'mapping', ...event });
  }
}

/** The usual second key is `comm`. */
function taskOf(rest: string): { readonly task?: { readonly comm: string } } {
  const comm = /^(?<comm>[A-Za-z][\w:/.-]{0,14})$/u.exec(rest.replace(/^[\s,]+/u, ''))?.groups?.['comm'];
  return comm === undefined ? {} : { task: { comm } };
}
