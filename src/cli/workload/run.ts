import { isDmaBufError } from '../../base/errors.ts';
import { openHeap } from '../../backend/open-heap.ts';
import type { Heap } from '../../heap/heap.ts';
import { runWorkload } from '../../workload/run-workload.ts';
import type { WorkloadOutcome } from '../../workload/run-workload.ts';
import type { Workload } from '../../workload/workload.ts';
import { CommandFailure, SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { checkHeapName } from '../heap-name.ts';
import { writeJsonLine } from '../json-line.ts';
import { UsageError } from '../parse-arguments.ts';
import { readSeconds } from '../seconds.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import type { WorkloadOptions } from './description.ts';
import { formatRun } from './report.ts';

const SECONDS_DEFAULT = 10;
const PROGRESS_MS = 200;

/** Replays a workload, and reports. Ctrl-C ends it without a report. */
export async function runOnTerminal(
  workload: Workload,
  options: WorkloadOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const seconds = options.for === undefined ? SECONDS_DEFAULT : readSeconds(options.for);
  const { caller = 'as-is', conversion = 'page' } = options;
  const seed = readSeed(options.seed);
  using heap = open(options.heap);
  let outcome: WorkloadOutcome | undefined;
  const progress = progressOf(seconds, terminal);
  await untilInterrupted(async (signal) => {
    outcome = await runWorkload(workload, {
      heap,
      caller,
      conversion,
      seed,
      extent: { seconds },
      signal,
      onStep: progress,
    });
  }).catch((error: unknown) => {
    throw isDmaBufError(error) ? new CommandFailure(error.message, { cause: error }) : error;
  });
  terminal.clearProgress();
  if (outcome === undefined) return SUCCEEDED;
  const facts = { heap: heap.name, backend: heap.backend, caller, conversion, seconds };
  if (options.json) {
    const head = { format: 'dmabuf-workload-run', version: 1, workload: workload.name, ...facts, seed };
    writeJsonLine({ ...head, ...outcome }, terminal.writeJson);
  } else for (const line of formatRun(workload, facts, outcome, terminal)) terminal.print(line);
  return SUCCEEDED;
}

function open(name: string | undefined): Heap {
  try {
    return name === undefined ? openHeap('system', { backends: ['embedded'] }) : openHeap(checkHeapName(name));
  } catch (error) {
    throw isDmaBufError(error) ? new CommandFailure(error.message, { cause: error }) : error;
  }
}

function readSeed(text = '0'): number {
  if (/^\d{1,9}$/u.test(text)) return Number(text);
  throw new UsageError(`Cannot use "${text}" as --seed: it must be a whole number of at most nine digits`);
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
