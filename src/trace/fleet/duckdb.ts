import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onAbort, throwIfAborted } from '../../base/abort.ts';
import { loadOptionalPackage } from '../optional-package.ts';

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

/** It reads what it is told to, and nothing else: no code of extensions, no settings of the user. */
const OPTIONS = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
};

/** What the engine says of a question that it could not answer: one line. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

/** Rows of an answer, by the names of its columns. */
export interface SqlAnswer {
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
      const [what] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
      throw new EngineError(what, { cause: error });
    } finally {
      stopListening();
    }
  }
}
