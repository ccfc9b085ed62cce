import { readFile } from 'node:fs/promises';

import { formatName } from '../../base/printable-text.ts';
import type { MappingEvent } from '../../trace/mapping-event.ts';
import { costsOfMappings } from '../../workload/costs/costs-of-mappings.ts';
import type { MappingCosts } from '../../workload/costs/mapping-costs.ts';
import { measureCosts } from '../../workload/costs/measure-costs.ts';
import { CostsFault, parseCosts } from '../../workload/costs/parse-costs.ts';
import { PUBLISHED_COSTS } from '../../workload/costs/published-costs.ts';
import { readFiles } from '../callers/read-files.ts';
import { CommandFailure } from '../command.ts';
import { withFile } from '../file-failure.ts';
import type { Terminal } from '../terminal.ts';
import { failOnRefusal } from './run-facts.ts';

const SEE_COSTS = '"dmabuf workload costs --json" prints some';

/**
 * Costs by what `--costs` says: `machine`, `published`, a file of costs (.json), or a trace.
 *
 * @throws {CommandFailure} where the file refuses, or has none: what is wrong, and where
 */
export async function readCosts(source: string, signal: AbortSignal, terminal: Terminal): Promise<MappingCosts> {
  if (source === 'published') return PUBLISHED_COSTS;
  if (source === 'machine') return await measureOnTerminal(signal, terminal);
  return source.endsWith('.json') ? await readCostsFile(source) : await readTraceCosts(source, terminal);
}

async function measureOnTerminal(signal: AbortSignal, terminal: Terminal): Promise<MappingCosts> {
  const onRound = (done: number, total: number): void =>
    terminal.showProgress(`measuring: ${done} of ${total} rounds are done`);
  const costs = await measureCosts({ signal, onRound }).catch(failOnRefusal);
  terminal.clearProgress();
  return costs;
}

async function readCostsFile(path: string): Promise<MappingCosts> {
  const text = await withFile('read', path, async () => await readFile(path, 'utf8'));
  try {
    const value: unknown = JSON.parse(text);
    const isPrinted = typeof value === 'object' && value !== null && 'costs' in value;
    return parseCosts(isPrinted ? value.costs : value);
  } catch (cause) {
    if (!(cause instanceof CostsFault) && !(cause instanceof SyntaxError)) throw cause;
    const what = cause instanceof SyntaxError ? 'it is no JSON' : cause.message;
    throw new CommandFailure(`Cannot use ${formatName(path)} as costs as ${formatName(what)}: ${SEE_COSTS}`, { cause });
  }
}

async function readTraceCosts(path: string, terminal: Terminal): Promise<MappingCosts> {
  const mappings: MappingEvent[] = [];
  await readFiles([path], terminal, (record) => {
    if (record.kind === 'mapping' && record.parts !== undefined) mappings.push(record);
  });
  const costs = costsOfMappings({ page: mappings }, `mappings recorded in ${formatName(path)}`);
  const isComplete = costs?.vmap !== undefined && costs.byPage !== undefined;
  if (costs !== undefined && isComplete) return costs;
  throw new CommandFailure(
    `Cannot use ${formatName(path)} as costs as no mapping in it has its parts and its size: "dmabuf trace --jsonl" records them`,
  );
}
