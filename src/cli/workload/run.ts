import { runWorkload } from '../../workload/run-workload.ts';
import type { WorkloadOutcome } from '../../workload/run-workload.ts';
import type { Workload } from '../../workload/workload.ts';
import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import type { WorkloadOptions } from './description.ts';
import { chooseMapping, failOnRefusal, openHeapOfOptions, readRunFacts } from './run-facts.ts';
import { formatRun } from './report.ts';

const PROGRESS_MS = 200;

/** Replays a workload, and reports. Ctrl-C ends it without a report. */
export async function runOnTerminal(
  workload: Workload,
  options: WorkloadOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { seconds, seed } = readRunFacts(options);
  const { caller = 'as-is', conversion = 'page' } = options;
  using heap = openHeapOfOptions(options);
  const mapping = chooseMapping(heap, options.mapping);
  let outcome: WorkloadOutcome | undefined;
  const progress = progressOf(seconds, terminal);
  await untilInterrupted(async (signal) => {
    outcome = await runWorkload(workload, {
      heap,
      caller,
      conversion,
      mapping,
      seed,
      extent: { seconds },
      signal,
      onStep: progress,
    });
  }).catch(failOnRefusal);
  terminal.clearProgress();
  if (outcome === undefined) return SUCCEEDED;
  const { mix = null } = options;
  const facts = { heap: heap.name, backend: heap.backend, mix, caller, conversion, mapping, seconds };
  if (options.json) {
    const head = { format: 'dmabuf-workload-run', version: 1, workload: workload.name, ...facts, seed };
    writeJsonLine({ ...head, ...outcome }, terminal.writeJson);
  } else for (const line of formatRun(workload, facts, outcome, terminal)) terminal.print(line);
  return SUCCEEDED;
}

function progressOf(seconds: number, { showProgress }: Pick<Terminal, 'showProgress'>): () => void {
  const since = performance.now();
  let shownAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - shownAt < PROGRESS_MS) return;
    shownAt = now;
    showProgress(`${((now - since) / 1000).toFixed(1)} of ${seconds} s are replayed`);
  };
}
