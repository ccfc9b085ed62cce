/** Reads the text of a trace as the tests look at it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { TraceImporter } from '../../../src/trace/import/trace-importer.ts';
import type { MappingEvent, TraceRecord, TraceSummary, UnmappingEvent } from '../../../src/trace/mapping-event.ts';
import { repositoryRoot } from '../runner/source-files.ts';

/** What was read, by kind. */
interface ReadTraceText {
  readonly mappings: readonly MappingEvent[];
  readonly unmappings: readonly UnmappingEvent[];
  readonly summary: TraceSummary;
}

/** @param chunkBytes how many bytes come at a time. Default: all */
export function readTraceText(text: string | Uint8Array, chunkBytes = Number.MAX_SAFE_INTEGER): ReadTraceText {
  const records: TraceRecord[] = [];
  const importer = new TraceImporter(undefined, (record) => void records.push(record));
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length; at += chunkBytes) importer.push(bytes.subarray(at, at + chunkBytes));
  const summary = importer.end();
  return {
    mappings: records.filter((record): record is MappingEvent => record.kind === 'mapping'),
    unmappings: records.filter((record): record is UnmappingEvent => record.kind === 'unmapping'),
    summary,
  };
}

/** A file of test/fixtures/trace. */
export function readTraceFixture(name: string): string {
  return readFileSync(join(repositoryRoot, 'test/fixtures/trace', name), 'utf8');
}
