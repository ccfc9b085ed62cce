import type { CallNode, CallStep } from './caller-graph.ts';
import type { Declarations } from './declarations.ts';
import type { SourceFile } from './source-file.ts';
import type { SourcePlace } from './source-symbol.ts';
import type { SourceTree } from './source-tree.ts';

/**
 * A call of `dma_buf_vmap`, which asserts that the buffer's reservation lock is held
 * (drivers/dma-buf/dma-buf.c), with a way to it on which no lock is to be seen.
 */
export interface UnlockedCall {
  /** Where it is called. */
  readonly place: SourcePlace;
  /** The function that calls. */
  readonly caller: string;
  /**
   * What was looked at, from where the search ended down to the caller: ids of nodes. None of its
   * functions takes or asserts a reservation lock before it goes on, by itself or in a function
   * that it calls.
   */
  readonly path: readonly string[];
}

/** What takes a reservation lock, or asserts that it is held (include/linux/dma-resv.h). */
const TAKES_LOCK =
  /\b(?:dma_resv_lock\w*|dma_resv_trylock|dma_resv_assert_held|dma_resv_held|ww_mutex_lock\w*|drm_exec_lock_obj|drm_exec_prepare_obj\w*|drm_gem_lock_reservations)\s*\(/u;
const ASSERTS_LOCK = /\b(?:dma_resv_assert_held|lockdep_assert_held\w*\s*\([^;]{0,100}\bresv\b)/u;
const RELEASES_LOCK = /\b(?:dma_resv_unlock|ww_mutex_unlock|drm_gem_unlock_reservations)\s*\(/u;
/** Words by which the files with such functions are found. */
const LOCK_WORDS = ['dma_resv_lock', 'dma_resv_lock_interruptible', 'dma_resv_trylock', 'dma_resv_assert_held'];
/** A wrapper of a wrapper is found by its name alone. */
const NAMED_LIKE_LOCK = /lock|resv|reserve|held/iu;
const WRAPPER_DEPTH_MAX = 3;
/** A function that more files name, such as `mutex_lock`, belongs to no subsystem. */
const WRAPPER_FILES_MAX = 300;
/** Ways from one call upward that are told. */
const PATHS_MAX = 8;
const STEPS_MAX = 20_000;

interface UpwardStep {
  readonly upper: CallNode;
  readonly step: CallStep;
}

/** Looks for the lock along the ways to `dma_buf_vmap`. */
export class ReservationLocks {
  readonly #tree: SourceTree;
  readonly #declarations: Declarations;
  readonly #wrappers = new Map<string, boolean>();
  readonly #protected = new Map<string, boolean>();
  #lockFiles: ReadonlySet<string> | undefined;

  constructor(tree: SourceTree, declarations: Declarations) {
    this.#tree = tree;
    this.#declarations = declarations;
  }

  /** @param root the node of `dma_buf_vmap` */
  findUnlocked(nodes: readonly CallNode[], root: string): UnlockedCall[] {
    const above = stepsUpward(nodes);
    const found: UnlockedCall[] = [];
    for (const { upper, step } of above.get(root) ?? []) {
      if (upper.kind === 'slot' || upper.kind === 'filler') continue;
      for (const path of this.#unlockedPaths({ upper, step }, above)) {
        found.push(Object.freeze({ place: step.place, caller: upper.name, path: Object.freeze(path) }));
      }
    }
    return found;
  }

  /** Depth first; a way ends where a lock is seen, and where nothing above is known. */
  #unlockedPaths(first: UpwardStep, above: ReadonlyMap<string, readonly UpwardStep[]>): string[][] {
    const paths: string[][] = [];
    const waiting: { readonly at: UpwardStep; readonly path: readonly string[] }[] = [{ at: first, path: [] }];
    const seen = new Set<string>();
    for (let count = 0; count < STEPS_MAX && paths.length < PATHS_MAX; count++) {
      const next = waiting.pop();
      if (next === undefined) break;
      const { upper, step } = next.at;
      if (this.#hasLockBefore(upper, step.place)) continue;
      const path = [upper.id, ...next.path];
      const isEnd = upper.ends.length > 0;
      const callers = (above.get(upper.id) ?? []).filter((one) => !path.includes(one.upper.id));
      if (isEnd || callers.length === 0) paths.push(path);
      if (seen.has(upper.id)) continue;
      seen.add(upper.id);
      for (const at of callers) waiting.push({ at, path });
    }
    return paths;
  }

  /** Whether a function or a macro takes or asserts the lock in the lines before a place in it. */
  #hasLockBefore(node: CallNode, { file: path, line }: SourcePlace): boolean {
    if (node.kind === 'slot' || node.kind === 'filler') return false;
    const key = `${node.id} ${path}:${line}`;
    const known = this.#protected.get(key);
    if (known !== undefined) return known;
    const text = this.#textBefore(node.name, path, line);
    const isProtected = text !== undefined && this.#showsLock(text, 0);
    this.#protected.set(key, isProtected);
    return isProtected;
  }

  #textBefore(name: string, path: string, line: number): string | undefined {
    const file = this.#fileAt(path);
    if (file === undefined) return undefined;
    const item = file.functionItem(name);
    const macro = file.macros.find((one) => one.name === name);
    const start = item?.bodyStart ?? macro?.bodyStart;
    return start === undefined ? undefined : file.code.slice(start, Math.max(start, file.offsetOfLine(line)));
  }

  #fileAt(path: string): SourceFile | undefined {
    const [file] = this.#tree.files([this.#tree.paths.indexOf(path)]);
    return file;
  }

  #showsLock(text: string, depth: number): boolean {
    if (TAKES_LOCK.test(text) || ASSERTS_LOCK.test(text)) return true;
    const called = new Set(
      [...text.matchAll(/\b(?<name>[A-Za-z_]\w*)\s*\(/gu)].map(({ groups }) => groups?.['name'] ?? ''),
    );
    return [...called].some((name) => this.#isWrapper(name, depth + 1));
  }

  /** Whether a function takes the lock and keeps it, or asserts it. */
  #isWrapper(name: string, depth: number): boolean {
    const known = this.#wrappers.get(name);
    if (known !== undefined) return known;
    if (depth > WRAPPER_DEPTH_MAX) return false;
    // What is asked for already is no wrapper of itself.
    this.#wrappers.set(name, false);
    const isWrapper = this.#bodiesOf(name).some((body) => {
      if (ASSERTS_LOCK.test(body)) return true;
      return !RELEASES_LOCK.test(body) && this.#showsLock(body, depth);
    });
    this.#wrappers.set(name, isWrapper);
    return isWrapper;
  }

  #bodiesOf(name: string): string[] {
    const numbers = this.#tree.index.filesWith(name);
    if (numbers.length > WRAPPER_FILES_MAX) return [];
    const isNamedLikeLock = NAMED_LIKE_LOCK.test(name);
    const candidates = numbers.filter((number) => isNamedLikeLock || this.#isLockFile(number));
    const bodies: string[] = [];
    for (const file of this.#tree.files(candidates)) {
      const item = file.functionItem(name);
      if (item?.bodyStart !== undefined) bodies.push(file.code.slice(item.bodyStart, item.end));
    }
    const macros = this.#declarations.macros(name);
    return [...bodies, ...macros.map(({ file, macro }) => file.code.slice(macro.bodyStart, macro.end))];
  }

  #isLockFile(number: number): boolean {
    this.#lockFiles ??= new Set(
      LOCK_WORDS.flatMap((word) => this.#tree.index.filesWith(word)).map((one) => this.#tree.paths[one] ?? ''),
    );
    return this.#lockFiles.has(this.#tree.paths[number] ?? '');
  }
}

/** By the id of a node: what leads to it. */
function stepsUpward(nodes: readonly CallNode[]): Map<string, UpwardStep[]> {
  const above = new Map<string, UpwardStep[]>();
  for (const upper of nodes) {
    for (const step of upper.leadsTo) {
      const steps = above.get(step.id) ?? [];
      steps.push({ upper, step });
      above.set(step.id, steps);
    }
  }
  return above;
}
