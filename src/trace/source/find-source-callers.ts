import { setImmediate } from 'node:timers/promises';

import { checkSignal, throwIfAborted } from '../../base/abort.ts';
import { wrongType } from '../../base/argument-error.ts';
import { checkInteger, checkName, optionName, readOptions } from '../../base/check.ts';
import { DmaBufError } from '../../base/errors.ts';
import { statIfThere } from '../file-refusal.ts';
import { CParser } from './c-parser.ts';
import { CallerGraph } from './caller-graph.ts';
import type { CallNode } from './caller-graph.ts';
import { Declarations } from './declarations.ts';
import { CallerFinder } from './find-callers.ts';
import { findExporters } from './find-exporters.ts';
import type { SourceExporter } from './find-exporters.ts';
import { ReferenceReader } from './find-references.ts';
import type { UnreadSource } from './kernel-tree.ts';
import { ReservationLocks } from './reservation-locks.ts';
import type { UnlockedCall } from './reservation-locks.ts';
import { symbolKey } from './source-symbol.ts';
import type { FunctionSymbol, SourcePlace } from './source-symbol.ts';
import { SourceTree } from './source-tree.ts';

export type {
  CallEnd,
  CallNode,
  CallStep,
  DepthEnd,
  HandedEnd,
  InterfaceEnd,
  ManyCallersEnd,
  NoCallersEnd,
} from './caller-graph.ts';
export type { SourcePlace } from './source-symbol.ts';

/** The functions that every mapping of a dma-buf in the kernel goes through. */
const LOCKED = 'dma_buf_vmap';
const UNLOCKED = 'dma_buf_vmap_unlocked';

/** How far the search above `dma_buf_vmap` goes. */
const DEPTH_DEFAULT = 6;
const DEPTH_MAX = 50;
/** A function with more callers than these is an interface by itself. */
const CALLERS_MAX = 40;

/** One call, as a list of cscope has it. */
export interface SourceCall extends SourcePlace {
  /** What is called: `dma_buf_vmap`, a wrapper, or a member such as `vb2_mem_ops.vaddr`. */
  readonly callee: string;
  /** The function, or the macro, that calls. */
  readonly caller: string;
  /** Functions from the callee down to `dma_buf_vmap`: 0 for a call of that itself. */
  readonly depth: number;
}

/** What a source tree says of who maps dma-bufs. */
export interface SourceCallers {
  /** The folder that was searched. */
  readonly root: string;
  /** How many files were looked at. */
  readonly fileCount: number;
  /** How long they are together. */
  readonly byteCount: number;
  /** What could not be read. */
  readonly unread: readonly UnreadSource[];
  /** Every call on a way to `dma_buf_vmap`, the nearest callees first, then by file and line. */
  readonly calls: readonly SourceCall[];
  /** `dma_buf_vmap` first, then what leads to it. */
  readonly nodes: readonly CallNode[];
  /** Where a search ends: ids of nodes, by their file and name. */
  readonly entryPoints: readonly string[];
  /** Locked calls with a way to them on which no reservation lock is to be seen. */
  readonly unlocked: readonly UnlockedCall[];
  /** What `dma_buf_vmap` itself calls. */
  readonly exporters: readonly SourceExporter[];
}

/** For {@link findSourceCallers}. */
export interface SourceSearchOptions {
  /** How many functions above `dma_buf_vmap` are looked at: 1 to 50, 6 by default. */
  readonly depthMax?: number | undefined;
  /** Gives up between two files. */
  readonly signal?: AbortSignal | undefined;
  /** Called with a clause now and then: `reads 12,000 of 59,932 files`. */
  readonly onProgress?: ((what: string) => void) | undefined;
}

const ACTION = 'find callers';

/** Options, read once. */
interface Search {
  readonly depthMax: number;
  readonly signal: AbortSignal | undefined;
  readonly tell: (what: string) => void;
}

/**
 * Finds every call of `dma_buf_vmap` and `dma_buf_vmap_unlocked` in a kernel's source, the calls of
 * the functions that contain these, and so on, up to named interfaces: also through members of
 * structs, told apart by the struct, and through macros.
 *
 * What it cannot see: names that macros paste together, pointers that are copied from one struct
 * into another, and what is not in C.
 *
 * @param root the folder of a kernel's source, or of a driver's
 * @throws {TypeError} or {RangeError} for wrong arguments
 * @throws {DmaBufError} with code ENOENT or ENOTDIR for what is no folder; as the kernel refuses it
 * @example
 * ```ts
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { findSourceCallers } from 'dmabuf/trace';
 *
 * const root = mkdtempSync(join(tmpdir(), 'driver-'));
 * const lines = ['static void *camera_vaddr(struct dma_buf *b)', '{', '\treturn map(dma_buf_vmap_unlocked(b));', '}'];
 * writeFileSync(join(root, 'camera.c'), lines.join('\n'));
 * const { calls } = await findSourceCallers(root);
 * console.log(calls.map(({ caller, file, line }) => `${file}:${line} ${caller}`)); // [ 'camera.c:3 camera_vaddr' ]
 * ```
 */
export async function findSourceCallers(root: string, options: SourceSearchOptions = {}): Promise<SourceCallers> {
  const search = readSearch(options);
  const folder = checkName(root, { action: ACTION, name: 'root' });
  throwIfAborted(search.signal);
  await mustBeFolder(folder);
  const tree = await SourceTree.read(folder, {
    signal: search.signal,
    onProgress: ({ filesRead, fileCount }) => search.tell(`read ${filesRead} of ${fileCount} files`),
  });
  const parser = await CParser.load();
  try {
    return await searchTree(tree, parser, search);
  } finally {
    parser.close();
  }
}

function readSearch(options: SourceSearchOptions): Search {
  const read = readOptions(options, ACTION, ['depthMax', 'signal', 'onProgress']);
  const { depthMax = DEPTH_DEFAULT, onProgress } = read;
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongType({ action: ACTION, name: 'onProgress' }, { must: 'be a function', received: onProgress });
  }
  return {
    depthMax: checkInteger(depthMax, { action: ACTION, name: 'depthMax', min: 1, max: DEPTH_MAX }),
    signal: checkSignal(read.signal, { action: ACTION, name: optionName('signal') }),
    tell: onProgress ?? ((): void => {}),
  };
}

async function searchTree(tree: SourceTree, parser: CParser, search: Search): Promise<SourceCallers> {
  const declarations = new Declarations(tree, parser);
  const references = new ReferenceReader(parser, declarations);
  const finder = new CallerFinder(tree, declarations, references);
  const graph = new CallerGraph(finder, { depthMax: search.depthMax, callersMax: CALLERS_MAX });
  const target = symbolOf(tree, LOCKED);
  let count = 0;
  for (const root of rootsOf(tree, target)) {
    for (const _ of graph.grow(root)) {
      search.tell(`looked at ${++count} functions, macros and members`);
      await setImmediate();
      throwIfAborted(search.signal);
    }
  }
  const nodes = graph.nodes();
  return Object.freeze({
    root: tree.root,
    fileCount: tree.paths.length,
    byteCount: tree.byteCount,
    unread: Object.freeze(tree.unread),
    calls: Object.freeze(listCalls(nodes)),
    nodes: Object.freeze(nodes),
    entryPoints: Object.freeze(listEntryPoints(nodes)),
    unlocked: Object.freeze(new ReservationLocks(tree, declarations).findUnlocked(nodes, symbolKey(target))),
    exporters: Object.freeze(findExporters(tree, references)),
  });
}

async function mustBeFolder(root: string): Promise<void> {
  const found = await statIfThere(root);
  if (found?.isDirectory() === true) return;
  const [code, reason] =
    found === undefined ? (['ENOENT', 'there is no such folder'] as const) : (['ENOTDIR', 'it is no folder'] as const);
  const message = `Cannot search ${root} for callers as ${reason}: name the folder of a kernel's source`;
  throw new DmaBufError(message, { code, values: { root } });
}

/** In a driver's own tree it has no body. */
function symbolOf(tree: SourceTree, name: string): FunctionSymbol {
  for (const file of tree.filesWith(name)) {
    if (!file.isHeader && file.functionItem(name) !== undefined) {
      return { kind: 'function', name, file: file.path, isStatic: false };
    }
  }
  return { kind: 'function', name, file: undefined, isStatic: false };
}

/** Where the tree has no core, as a driver's own has not, `dma_buf_vmap_unlocked` is a root too. */
function rootsOf(tree: SourceTree, target: FunctionSymbol): FunctionSymbol[] {
  return target.file === undefined ? [target, symbolOf(tree, UNLOCKED)] : [target];
}

function listCalls(nodes: readonly CallNode[]): SourceCall[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const calls = nodes.flatMap((upper) => {
    if (upper.kind === 'slot' || upper.kind === 'filler') return [];
    return upper.leadsTo.flatMap(({ id, place }): SourceCall[] => {
      const callee = byId.get(id);
      if (callee === undefined) return [];
      return [Object.freeze({ callee: callee.name, caller: upper.name, depth: callee.depth, ...place })];
    });
  });
  return calls.toSorted(
    (a, b) => a.depth - b.depth || compare(a.callee, b.callee) || compare(a.file, b.file) || a.line - b.line,
  );
}

function listEntryPoints(nodes: readonly CallNode[]): string[] {
  return nodes
    .filter(({ ends }) => ends.length > 0)
    .toSorted((a, b) => compare(a.file ?? '', b.file ?? '') || compare(a.name, b.name))
    .map(({ id }) => id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
