import { findSourceCallers } from '../../trace/source/find-source-callers.ts';
import { withFile } from '../file-failure.ts';
import { writeJsonLine } from '../json-line.ts';
import { UsageError } from '../parse-arguments.ts';
import type { Terminal } from '../terminal.ts';
import { formatCallList } from './call-list.ts';
import { formatSourceReport } from './source-report.ts';

/** What of the arguments concerns a source tree. */
interface SourceOptions {
  readonly depth: string | undefined;
  readonly list: boolean;
  readonly json: boolean;
}

const DEPTH_MAX = 50;

/**
 * Tells who calls `dma_buf_vmap` in the source below `folder`.
 *
 * @throws {UsageError} for options that do not go together
 */
export async function tellSourceCallers(folder: string, options: SourceOptions, terminal: Terminal): Promise<void> {
  if (options.list && options.json) {
    throw new UsageError('Cannot use --list with --json as each says how to print: leave one of them out');
  }
  const depthMax = parseDepth(options.depth);
  const onProgress = (what: string): void => terminal.showProgress(`dmabuf callers: ${what}`);
  const found = await withFile('read', folder, () => findSourceCallers(folder, { depthMax, onProgress }));
  terminal.clearProgress();
  if (options.json) {
    // docs/schemas/dmabuf-source-callers.schema.json
    writeJsonLine({ format: 'dmabuf-source-callers', version: 1, ...found }, terminal.writeJson);
    return;
  }
  const lines = options.list ? formatCallList(found.calls) : formatSourceReport(found, terminal);
  for (const line of lines) terminal.print(line);
}

function parseDepth(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const depth = /^\d{1,2}$/u.test(text) ? Number(text) : 0;
  if (depth >= 1 && depth <= DEPTH_MAX) return depth;
  throw new UsageError(`Cannot go "${text}" functions up as --depth must be a whole number from 1 to ${DEPTH_MAX}`);
}
