import { readFile } from 'node:fs/promises';

import { formatName } from '../../base/printable-text.ts';
import { parseWorkload, WorkloadFault } from '../../workload/parse-workload.ts';
import type { Workload } from '../../workload/workload.ts';
import { CommandFailure } from '../command.ts';
import { withFile } from '../file-failure.ts';

const SEE_SCHEMA = '"dmabuf workload show NAME --json" prints one to begin with';

/** Whether a word means a file: workloads of the package have neither in their names. */
export function isFileName(word: string): boolean {
  return word.endsWith('.json') || word.includes('/');
}

/** @throws {CommandFailure} where the file refuses, or is no workload: what is wrong, and where */
export async function readWorkloadFile(path: string): Promise<Workload> {
  const text = await withFile('read', path, async () => await readFile(path, 'utf8'));
  try {
    return parseWorkload(onlyWorkload(JSON.parse(text)));
  } catch (cause) {
    if (!(cause instanceof WorkloadFault) && !(cause instanceof SyntaxError)) throw cause;
    const what = cause instanceof SyntaxError ? 'it is no JSON' : cause.message;
    throw new CommandFailure(`Cannot use ${formatName(path)} as a workload as ${formatName(what)}: ${SEE_SCHEMA}`, {
      cause,
    });
  }
}

/** The workload itself, or what "show --json" prints of one. */
function onlyWorkload(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('workloads' in value)) return value;
  return Array.isArray(value.workloads) && value.workloads.length === 1 ? (value.workloads[0] as unknown) : value;
}
