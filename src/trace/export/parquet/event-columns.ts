/** What a column holds: UTF-8 text, a whole number of 64 bits with its sign, or a truth value. */
type ColumnType = 'text' | 'integer' | 'boolean';

/** A column of the table `events`. */
interface EventColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Whether every row has a value. */
  readonly isRequired?: true;
  /** Whether row groups say which values they hold, so that engines can skip them. */
  readonly hasStatistics?: true;
  /** Whether its values grow from row to row: they are written as differences. */
  readonly isGrowing?: true;
}

/**
 * The columns of a Parquet file of events, in their order; docs/guide/fleets.md tells what each
 * means. `ts`, `dur`, `name` and `category` are those of Perfetto's table `slice`, `tid` and
 * `thread_name` of its `thread_slice`, `cpu` of its `sched`.
 */
const EVENT_COLUMNS = [
  { name: 'recording', type: 'text', isRequired: true },
  { name: 'id', type: 'integer', isRequired: true, isGrowing: true },
  { name: 'kind', type: 'text', isRequired: true, hasStatistics: true },
  { name: 'device', type: 'text', hasStatistics: true },
  { name: 'build', type: 'text', hasStatistics: true },
  { name: 'form', type: 'text' },
  { name: 'file', type: 'text' },
  { name: 'line', type: 'integer', isGrowing: true },
  { name: 'ts', type: 'integer', hasStatistics: true },
  { name: 'time_text', type: 'text' },
  { name: 'dur', type: 'integer' },
  { name: 'name', type: 'text' },
  { name: 'category', type: 'text' },
  { name: 'cpu', type: 'integer' },
  { name: 'tid', type: 'integer' },
  { name: 'thread_name', type: 'text' },
  { name: 'call_path', type: 'text' },
  { name: 'consumer', type: 'text' },
  { name: 'subsystem', type: 'text' },
  { name: 'driver', type: 'text', hasStatistics: true },
  { name: 'origin', type: 'text' },
  { name: 'module', type: 'text' },
  { name: 'module_build_id', type: 'text' },
  { name: 'size_bytes', type: 'integer' },
  { name: 'exporter', type: 'text' },
  { name: 'buffer', type: 'text' },
  { name: 'result', type: 'integer' },
  { name: 'count', type: 'integer' },
  { name: 'page_array_ns', type: 'integer' },
  { name: 'sg_to_pages_ns', type: 'integer' },
  { name: 'vmap_ns', type: 'integer' },
  { name: 'free_ns', type: 'integer' },
  { name: 'lock_wait_ns', type: 'integer' },
  { name: 'other_ns', type: 'integer' },
  { name: 'marks', type: 'text' },
  { name: 'is_sample', type: 'boolean', isRequired: true },
  { name: 'is_disturbed', type: 'boolean', isRequired: true },
  { name: 'recorded_ns', type: 'integer' },
  { name: 'lost_events', type: 'integer' },
  { name: 'unreadable_lines', type: 'integer' },
] as const satisfies readonly EventColumn[];

/** Of the file's metadata: which columns it has, by a version that grows when they change. */
export const SCHEMA_KEY = 'dmabuf.events.version';
export const SCHEMA_VERSION = '1';

type Column = (typeof EVENT_COLUMNS)[number];
type Value = { readonly text: string; readonly integer: bigint; readonly boolean: boolean };

/** A row of the table. What is absent or null is not known. */
export type EventRow = {
  readonly [Each in Column as Each['name']]?: Value[Each['type']] | null | undefined;
};

/** An element of a Parquet schema, as hyparquet-writer takes it. */
interface SchemaElement {
  readonly name: string;
  readonly type?: 'BYTE_ARRAY' | 'INT64' | 'BOOLEAN';
  readonly converted_type?: 'UTF8';
  readonly repetition_type?: 'REQUIRED' | 'OPTIONAL';
  readonly num_children?: number;
}

/** The schema of the file: the columns below a root. */
export function parquetSchema(): SchemaElement[] {
  const columns: readonly EventColumn[] = EVENT_COLUMNS;
  return [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type, isRequired }): SchemaElement => {
      const repetition_type = isRequired === true ? 'REQUIRED' : 'OPTIONAL';
      if (type === 'text') return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type };
      return { name, type: type === 'integer' ? 'INT64' : 'BOOLEAN', repetition_type };
    }),
  ];
}

/** A column of a row group, as hyparquet-writer takes it. */
interface ColumnData {
  readonly name: string;
  readonly data: readonly unknown[];
  readonly encoding: 'DELTA_BINARY_PACKED' | undefined;
  readonly statistics: boolean;
}

/** The columns of some rows. */
export function toColumns(rows: readonly EventRow[]): ColumnData[] {
  const columns: readonly EventColumn[] = EVENT_COLUMNS;
  return columns.map(({ name, isGrowing, hasStatistics }) => ({
    name,
    data: rows.map((row) => row[name as keyof EventRow] ?? null),
    encoding: isGrowing === true ? 'DELTA_BINARY_PACKED' : undefined,
    statistics: hasStatistics === true,
  }));
}
