import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { onAbort, throwIfAborted } from '../../base/abort.ts';
import { loadOptionalPackage } from '../../base/optional-package.ts';

/** What is used here of the module `@duckdb/node-api`. */
export interface DuckdbModule {
  readonly DuckDBInstance: {
    readonly create: (path: string, options: Readonly<Record<string, string>>) => Promise<DuckdbInstance>;
  };
}

interface DuckdbInstance {
  readonly connect: () => Promise<DuckdbConnection>;
  readonly closeSync: () => void;
}

interface DuckdbConnection {
  readonly run: (sql: string) => Promise<unknown>;
  readonly streamAndReadUntil: (sql: string, rowCount: number) => Promise<DuckdbReader>;
  readonly interrupt: () => void;
  readonly closeSync: () => void;
}

interface DuckdbReader {
  readonly getRowObjectsJS: () => Record<string, unknown>[];
}

/** It reads what it is told to, and nothing else: it loads no code of extensions. */
const OPTIONS = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
};

/** Whether the engine takes a name for one that stands for several files. */
export function isPattern(name: string): boolean {
  return /[*?[]/u.test(name);
}

/** What the engine says of a question that it could not answer: one line. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

/** Rows of an answer, by the names of its columns. */
interface SqlAnswer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Whether there are more than were asked for. */
  readonly isCut: boolean;
}

/** @throws {DmaBufError} with code ENOENT where it is not installed */
export async function loadDuckdb(): Promise<DuckdbModule> {
  return await loadOptionalPackage<DuckdbModule>({ name: '@duckdb/node-api', action: 'read Parquet files' });
}

/** A database in this process. What does not fit into memory goes to a folder of its own. */
export class Duckdb {
  readonly #instance: DuckdbInstance;
  readonly #connection: DuckdbConnection;
  readonly #folder: string;
  readonly #signal: AbortSignal | undefined;

  private constructor(
    { instance, connection }: { readonly instance: DuckdbInstance; readonly connection: DuckdbConnection },
    folder: string,
    signal: AbortSignal | undefined,
  ) {
    this.#instance = instance;
    this.#connection = connection;
    this.#folder = folder;
    this.#signal = signal;
  }

  static async open({ DuckDBInstance }: DuckdbModule, signal: AbortSignal | undefined): Promise<Duckdb> {
    const folder = mkdtempSync(join(tmpdir(), 'dmabuf-fleet-'));
    try {
      const instance = await DuckDBInstance.create(':memory:', { ...OPTIONS, temp_directory: folder });
      return new Duckdb({ instance, connection: await instance.connect() }, folder, signal);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Statements without an answer. */
  async run(sql: string): Promise<void> {
    await this.#whileWanted(async () => await this.#connection.run(sql));
  }

  /** The first `rowCountMax` rows that a question has as its answer. */
  async ask(sql: string, rowCountMax: number): Promise<SqlAnswer> {
    const rows = await this.#whileWanted(async () => {
      const reader = await this.#connection.streamAndReadUntil(sql, rowCountMax + 1);
      return reader.getRowObjectsJS();
    });
    return { rows: rows.slice(0, rowCountMax), isCut: rows.length > rowCountMax };
  }

  /** Names for files by which the engine finds them: others stand for several, or for a server. */
  nameFiles(files: readonly string[]): string[] {
    return files.map((file, index) => {
      const path = resolve(file);
      if (!isPattern(path)) return path;
      const link = join(this.#folder, `${index}.parquet`);
      if (!existsSync(link)) symlinkSync(path, link);
      return link;
    });
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #whileWanted<Value>(body: () => Promise<Value>): Promise<Value> {
    throwIfAborted(this.#signal);
    const stopListening = onAbort(this.#signal, () => this.#connection.interrupt());
    try {
      return await body();
    } catch (error) {
      // An interrupted question fails: the reason is what was asked for.
      throwIfAborted(this.#signal);
      const [what] = (error instanceof Error ? error.message : String(error)).split(/[\r\n]/u, 1);
      throw new EngineError(what, { cause: error });
    } finally {
      stopListening();
    }
  }
}
