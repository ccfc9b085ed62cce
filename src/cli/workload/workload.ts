import { RECIPES } from '../../workload/recipes/recipes.ts';
import type { Workload } from '../../workload/workload.ts';
import { SUCCEEDED } from '../command.ts';
import type { Command, ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import { suggest } from '../nearest-word.ts';
import { UsageError } from '../parse-arguments.ts';
import type { Terminal } from '../terminal.ts';
import { parseWorkloadWords, WORKLOAD_ACTIONS, WORKLOAD_DESCRIPTION } from './description.ts';
import type { WorkloadOptions } from './description.ts';
import { formatWorkload, formatWorkloads } from './report.ts';
import { isFileName, readWorkloadFile } from './read-workload-file.ts';
import { compareOnTerminal } from './compare.ts';
import { costsOnTerminal } from './costs.ts';
import { printFromTrace } from './from-trace.ts';
import { predictOnTerminal } from './predict.ts';
import { runOnTerminal } from './run.ts';

const RUN_OPTIONS = ['for', 'caller', 'conversion', 'mapping', 'mix', 'heap', 'seed', 'compare'] as const;
/** Those that a prediction does not take. */
const RUN_ONLY_OPTIONS = ['for', 'conversion', 'mapping', 'mix', 'heap', 'compare'] as const;
const SEE_LIST = '"dmabuf workload list" has them';

export const workloadCommand: Command = {
  name: 'workload',
  description: WORKLOAD_DESCRIPTION,
  run: async (args, terminal) => {
    const { options, words } = parseWorkloadWords(args);
    const [action = 'list', name, ...rest] = words;
    if (rest.length > 0) throw new UsageError(`Cannot use "${rest.join(' ')}": one workload at a time`);
    if (action === 'run') refuseOptions(options, ['costs'], 'predict or costs');
    if (action === 'run' && options.compare)
      return await compareOnTerminal(name === undefined ? RECIPES : [await readWorkload(name)], options, terminal);
    if (action === 'run') return await runOnTerminal(await readWorkload(name), options, terminal);
    if (action === 'predict') {
      refuseOptions(options, RUN_ONLY_OPTIONS, 'run');
      return await predictOnTerminal(await readWorkload(name), options, terminal);
    }
    refuseOptions(options, RUN_OPTIONS, 'run');
    if (action === 'costs' && name === undefined) return await costsOnTerminal(options, terminal);
    refuseOptions(options, ['costs'], 'predict or costs');
    if (action === 'from-trace') return await printFromTrace(name, terminal);
    if (action === 'show') return show([await readWorkload(name)], options, terminal);
    if (action !== 'list' || name !== undefined) throw unknownAction(words);
    return show(RECIPES, options, terminal);
  },
};

function show(workloads: readonly Workload[], { json }: WorkloadOptions, terminal: Terminal): ExitStatus {
  const [only] = workloads;
  if (json) writeJsonLine({ format: 'dmabuf-workloads', version: 1, workloads }, terminal.writeJson);
  else if (workloads.length === 1 && only !== undefined)
    for (const line of formatWorkload(only, terminal)) terminal.print(line);
  else for (const line of formatWorkloads(workloads, terminal)) terminal.print(line);
  return SUCCEEDED;
}

async function readWorkload(name: string | undefined): Promise<Workload> {
  if (name === undefined) throw new UsageError(`Cannot tell which workload is meant: ${SEE_LIST}`);
  return isFileName(name) ? await readWorkloadFile(name) : findWorkload(name);
}

function findWorkload(name: string): Workload {
  const found = RECIPES.find((recipe) => recipe.name === name);
  if (found !== undefined) return found;
  const names = RECIPES.map((recipe) => recipe.name);
  throw new UsageError(`Cannot find the workload "${name}"${suggest(name, names, 'dmabuf workload list')}`);
}

function refuseOptions(options: WorkloadOptions, names: readonly (keyof WorkloadOptions)[], of: string): void {
  const given = names.find((option) => options[option] !== undefined && options[option] !== false);
  if (given !== undefined) throw new UsageError(`Cannot use --${given} without ${of}`);
}

function unknownAction(words: readonly string[]): UsageError {
  const isWorkload = RECIPES.some(({ name }) => name === words[0]);
  const meant = isWorkload
    ? `to replay it, write "run ${words[0]}"`
    : `it must be one of ${WORKLOAD_ACTIONS.join(', ')}`;
  return new UsageError(`Cannot tell what to do with "${words.join(' ')}": ${meant}`);
}
