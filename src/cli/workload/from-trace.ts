import { basename } from 'node:path';

import { formatName } from '../../base/printable-text.ts';
import { TraceWorkload } from '../../workload/from-trace/workload-of-trace.ts';
import type { WorkloadOfTrace } from '../../workload/from-trace/workload-of-trace.ts';
import { readFiles } from '../callers/read-files.ts';
import { CommandFailure, SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import { UsageError } from '../parse-arguments.ts';
import type { Terminal } from '../terminal.ts';
import { failOnRefusal } from './run-facts.ts';

const BY_HAND = 'write one by hand, beginning with what "dmabuf workload show NAME --json" prints';

/** What a mapping's caller is called where its stack is not known. */
const NO_STACK = 'unknown caller';

/**
 * Prints a workload that does what a trace shows, as JSON; on stderr what was left out, and what
 * the trace does not show.
 *
 * @throws {CommandFailure} where the trace has no mapping that a consumer mirrors, with the remedy
 */
export async function printFromTrace(file: string | undefined, terminal: Terminal): Promise<ExitStatus> {
  if (file === undefined)
    throw new UsageError('Cannot tell which trace is meant: give a FILE, or - for standard input');
  const trace = await TraceWorkload.open().catch(failOnRefusal);
  await readFiles([file], terminal, (record) => trace.add(record));
  const name = basename(file).replace(/\.[^.]*$/u, '') || 'trace';
  const found = trace.finish({ name, basis: `read from ${basename(file)} by "dmabuf workload from-trace"` });
  if (found.workload === undefined) throw nothingKnown(file, found);
  for (const note of found.notes) terminal.printError(`dmabuf: ${formatName(note)}`);
  writeJsonLine({ format: 'dmabuf-workloads', version: 1, workloads: [found.workload] }, terminal.writeJson);
  return SUCCEEDED;
}

function nothingKnown(file: string, { mappingCount, unknownCallers }: WorkloadOfTrace): CommandFailure {
  const cannot = `Cannot make a workload of ${formatName(file)}`;
  if (mappingCount === 0)
    return new CommandFailure(`${cannot} as nobody maps a dma-buf in it: "dmabuf trace" records who does`);
  if (unknownCallers.length === 0)
    return new CommandFailure(`${cannot} as every mapping in it was refused: record one that works`);
  const named = unknownCallers.filter((name) => name !== NO_STACK);
  if (named.length === 0)
    return new CommandFailure(`${cannot} as it has no stacks, which tell who maps: "dmabuf trace" records them`);
  return new CommandFailure(
    `${cannot} as no consumer mirrors who maps in it (${named.map(formatName).join(', ')}): ${BY_HAND}`,
  );
}
