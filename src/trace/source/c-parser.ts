import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { DmaBufError } from '../../base/errors.ts';
import { packageFile } from '../../base/package-file.ts';

/** A node of a syntax tree: what is used here of tree-sitter's. Valid until its tree is dropped. */
export interface SyntaxNode {
  /** By the grammar, such as `call_expression`. */
  readonly type: string;
  readonly startIndex: number;
  readonly endIndex: number;
  readonly text: string;
  readonly parent: SyntaxNode | null;
  readonly namedChildCount: number;
  namedChild: (index: number) => SyntaxNode | null;
  childForFieldName: (name: string) => SyntaxNode | null;
  descendantForIndex: (start: number, end: number) => SyntaxNode | null;
}

interface SyntaxTree {
  readonly rootNode: SyntaxNode;
  delete: () => void;
}

interface TreeSitterParser {
  setLanguage: (language: unknown) => void;
  parse: (
    text: string,
    oldTree?: null,
    options?: { readonly progressCallback: () => boolean | void },
  ) => SyntaxTree | null;
  delete: () => void;
}

/** The module web-tree-sitter, which is copied into the package when it is built. */
interface TreeSitter {
  readonly Parser: {
    init: (options: { readonly wasmBinary: Uint8Array }) => Promise<void>;
    new (): TreeSitterParser;
  };
  readonly Language: { load: (wasm: Uint8Array) => Promise<unknown> };
}

/** Folder of the package with the parser, its grammar and their licences (tools/build.mjs). */
const FOLDER = 'dist/tree-sitter';
/** Trees are kept in the parser's memory, which only grows. */
const TREES_KEPT_MAX = 64;
/** Longer pieces are tables, and are read by words alone: a tree takes 50 times their length. */
const PARSED_LENGTH_MAX = 1 << 20;
/** The parser asks after every few hundred steps whether to go on. */
const PROGRESS_PER_CHARACTER_MAX = 0.5;
const PROGRESS_MIN = 10_000;

/** Parses C, piece by piece. */
export class CParser {
  readonly #parser: TreeSitterParser;
  /** In the order of their last use. */
  readonly #trees = new Map<object, SyntaxTree>();

  private constructor(parser: TreeSitterParser) {
    this.#parser = parser;
  }

  /** @throws {DmaBufError} with code ENOENT where the package was bundled without its files */
  static async load(): Promise<CParser> {
    const folder = packageFile(FOLDER, import.meta.url);
    if (folder === undefined) {
      throw new DmaBufError(
        'Cannot parse C as the parser is not beside this code, which a bundler has taken out of its package: leave "dmabuf" out of the bundle',
        { code: 'ENOENT', values: {} },
      );
    }
    const url = pathToFileURL(join(folder, 'web-tree-sitter.js')).href;
    const { Parser, Language } = (await import(url)) as TreeSitter;
    await Parser.init({ wasmBinary: readFileSync(join(folder, 'web-tree-sitter.wasm')) });
    const parser = new Parser();
    parser.setLanguage(await Language.load(readFileSync(join(folder, 'tree-sitter-c.wasm'))));
    return new CParser(parser);
  }

  /**
   * The root of the tree of `text`. It is good until {@link TREES_KEPT_MAX} others were asked for.
   *
   * @param key whose text it is: the same key has the same tree
   * @returns undefined for a text that is too long, or takes the parser too long
   */
  parse(key: object, text: string): SyntaxNode | undefined {
    const known = this.#trees.get(key);
    if (known !== undefined) {
      this.#trees.delete(key);
      this.#trees.set(key, known);
      return known.rootNode;
    }
    const tree = this.#parseWithin(text);
    if (tree === null) return undefined;
    this.#trees.set(key, tree);
    if (this.#trees.size > TREES_KEPT_MAX) this.#dropOldest();
    return tree.rootNode;
  }

  #parseWithin(text: string): SyntaxTree | null {
    if (text.length > PARSED_LENGTH_MAX) return null;
    let left = PROGRESS_MIN + text.length * PROGRESS_PER_CHARACTER_MAX;
    return this.#parser.parse(text, null, { progressCallback: () => --left < 0 });
  }

  #dropOldest(): void {
    for (const [key, tree] of this.#trees) {
      tree.delete();
      this.#trees.delete(key);
      return;
    }
  }

  close(): void {
    for (const tree of this.#trees.values()) tree.delete();
    this.#trees.clear();
    this.#parser.delete();
  }
}
