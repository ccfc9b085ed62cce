import { compareWorkload } from '../../workload/compare-workload.ts';
import type { VariantOutcome } from '../../workload/compare-workload.ts';
import { runWorkload } from '../../workload/run-workload.ts';
import type { WorkloadOutcome } from '../../workload/run-workload.ts';
import type { Workload } from '../../workload/workload.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import type { WorkloadOptions } from './description.ts';
import { chooseMapping, failOnRefusal, openHeapOfOptions, readRunFacts } from './run-facts.ts';
import { formatRun } from './report.ts';

const PROGRESS_MS = 200;
/** What the other choices get of the time of the run, all together. */
const OTHERS_SHARE = 0.5;
const OTHERS_SECONDS_MAX = 10;

/**
 * Replays a workload, then for a shorter time with each choice made otherwise, and reports. Ctrl-C
 * ends it without a report, or with that of the run alone once it is done.
 */
export async function runOnTerminal(
  workload: Workload,
  options: WorkloadOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { seconds, seed } = readRunFacts(options);
  const { caller = 'as-is', conversion = 'page' } = options;
  using heap = openHeapOfOptions(options);
  const mapping = chooseMapping(heap, options.mapping);
  const { mix } = options;
  const around = { caller, conversion, mapping };
  let outcome: WorkloadOutcome | undefined;
  let variants: VariantOutcome[] = [];
  let refusal: string | undefined;
  const progress = progressOf(seconds, terminal);
  await untilInterrupted(async (signal) => {
    outcome = await runWorkload(workload, {
      heap,
      ...around,
      mix,
      seed,
      extent: { seconds },
      signal,
      onStep: progress,
    });
    const othersSeconds = Math.min(seconds * OTHERS_SHARE, OTHERS_SECONDS_MAX);
    const onRun = (done: number, total: number): void =>
      terminal.showProgress(`the other choices: ${done} of ${total} runs are done`);
    const others = { heap, mix, seed, seconds: othersSeconds, around, signal, onRun };
    variants = await compareWorkload(workload, others).catch((error: unknown) => {
      if (!isDmaBufError(error)) throw error;
      refusal = error.message;
      return [];
    });
  }).catch(failOnRefusal);
  terminal.clearProgress();
  if (outcome === undefined) return SUCCEEDED;
  const facts = { heap: heap.name, backend: heap.backend, mix: mix ?? null, ...around, seconds };
  if (options.json) {
    const head = { format: 'dmabuf-workload-run', version: 1, workload: workload.name, ...facts, seed };
    writeJsonLine({ ...head, ...outcome, variants }, terminal.writeJson);
  } else
    for (const line of formatRun(workload, facts, { ...outcome, variants, refusal }, terminal)) terminal.print(line);
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
