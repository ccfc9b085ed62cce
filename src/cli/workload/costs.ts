import type { MappingCosts } from '../../workload/costs/mapping-costs.ts';
import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { formatCosts } from './costs-report.ts';
import type { WorkloadOptions } from './description.ts';
import { readCosts } from './read-costs.ts';

/** Prints what mappings cost, by a source. Ctrl-C ends a measurement without a report. */
export async function costsOnTerminal(options: WorkloadOptions, terminal: Terminal): Promise<ExitStatus> {
  let costs: MappingCosts | undefined;
  await untilInterrupted(async (signal) => {
    costs = await readCosts(options.costs ?? 'machine', signal, terminal);
  });
  if (costs === undefined) return SUCCEEDED;
  if (options.json) writeJsonLine({ format: 'dmabuf-workload-costs', version: 1, costs }, terminal.writeJson);
  else for (const line of formatCosts(costs, terminal)) terminal.print(line);
  return SUCCEEDED;
}
