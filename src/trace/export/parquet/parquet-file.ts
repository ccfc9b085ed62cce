import { loadOptionalPackage } from '../../../base/optional-package.ts';
import type { AtomicFile } from './atomic-file.ts';
import { parquetSchema, SCHEMA_KEY, SCHEMA_VERSION, toColumns } from './event-columns.ts';
import type { EventRow } from './event-columns.ts';

/** Rows that are held until they are written: engines skip and share out whole groups of rows. */
const GROUP_ROWS_MAX = 65_536;
/** Characters of text that are held: a hostile trace has long names. */
const GROUP_CHARACTERS_MAX = 32 * 1024 * 1024;
const CREATED_BY = 'dmabuf';

/** What is used here of the module hyparquet-writer. */
interface HyparquetWriter {
  readonly ByteWriter: new () => ByteWriter;
  readonly ParquetWriter: new (options: {
    readonly writer: ByteWriter;
    readonly schema: readonly object[];
    readonly kvMetadata: readonly { readonly key: string; readonly value: string }[];
    readonly createdBy: string;
  }) => {
    write: (options: { readonly columnData: readonly object[]; readonly rowGroupSize: number }) => unknown;
    finish: () => unknown;
  };
}

/** Its bytes until they are taken: `index` says how many there are. */
interface ByteWriter {
  index: number;
  getBytes: () => Uint8Array;
}

/** A Parquet file of events, written a group of rows at a time: it holds one group in memory. */
export class ParquetFile {
  readonly #file: AtomicFile;
  readonly #bytes: ByteWriter;
  readonly #writer: InstanceType<HyparquetWriter['ParquetWriter']>;
  #rows: EventRow[] = [];
  #characterCount = 0;
  rowCount = 0;

  private constructor(file: AtomicFile, { ByteWriter, ParquetWriter }: HyparquetWriter) {
    this.#file = file;
    this.#bytes = new ByteWriter();
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: parquetSchema(),
      kvMetadata: [{ key: SCHEMA_KEY, value: SCHEMA_VERSION }],
      createdBy: CREATED_BY,
    });
  }

  /** The package that writes it, loaded before anything is made. */
  static async loadWriter(): Promise<(file: AtomicFile) => ParquetFile> {
    const writer = await loadOptionalPackage<HyparquetWriter>({
      name: 'hyparquet-writer',
      action: 'write a Parquet file',
    });
    return (file) => new ParquetFile(file, writer);
  }

  /** @returns whether as much is held as may be: then {@link writeGroup} is due */
  add(row: EventRow): boolean {
    this.#rows.push(row);
    this.rowCount += 1;
    this.#characterCount += charactersOf(row);
    return this.#rows.length >= GROUP_ROWS_MAX || this.#characterCount >= GROUP_CHARACTERS_MAX;
  }

  /** The rows that are left, and the file's own description. */
  async finish(): Promise<void> {
    await this.writeGroup();
    this.#writer.finish();
    await this.#takeBytes();
  }

  async writeGroup(): Promise<void> {
    if (this.#rows.length === 0) return;
    this.#writer.write({ columnData: toColumns(this.#rows), rowGroupSize: this.#rows.length });
    this.#rows = [];
    this.#characterCount = 0;
    await this.#takeBytes();
  }

  async #takeBytes(): Promise<void> {
    await this.#file.write(this.#bytes.getBytes());
    this.#bytes.index = 0;
  }
}

/** Of the texts that differ from row to row, and may be long. */
function charactersOf({ call_path, consumer, thread_name, buffer, exporter, time_text, marks }: EventRow): number {
  const texts = [call_path, consumer, thread_name, buffer, exporter, time_text, marks];
  return texts.reduce<number>((sum, text) => sum + (text?.length ?? 0), 0);
}
