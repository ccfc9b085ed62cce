import { assert } from '../../base/assert.ts';
import { recordMappings } from '../../trace/live/record-mappings.ts';
import type { MappingRecording, RecordingCost } from '../../trace/live/mapping-recording.ts';
import type { MappingEvent, TraceSummary, UnmappingEvent } from '../../trace/mapping-event.ts';
import { FAILED, SUCCEEDED } from '../command.ts';
import type { ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import { formatAmount } from '../../base/number-format.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { ChildCommand } from './child-command.ts';

/** What is recorded: for a time, while a command runs, or until the user ends it. */
export interface RecordingRequest {
  readonly seconds: number | undefined;
  /** The program and its arguments; undefined for none. */
  readonly command: readonly string[] | undefined;
}

/** What came of a recording. */
interface Recorded {
  readonly summary: TraceSummary;
  readonly cost: RecordingCost;
  /** How the command failed: a clause. */
  readonly commandFailure: string | undefined;
}

type ProgressTerminal = Pick<Terminal, 'showProgress' | 'clearProgress'>;

/** Where the mappings of a recording were looked for. */
export const HERE = 'on this machine';

const PROGRESS_MS = 500;

type Take = (record: MappingEvent | UnmappingEvent) => void;

/**
 * Records who maps on this machine.
 *
 * @param take told of each mapping and unmapping as it ends
 * @throws {DmaBufError} as tracing is refused
 * @throws {CommandFailure} for a command that could not be started
 */
export async function recordHere(request: RecordingRequest, terminal: ProgressTerminal, take: Take): Promise<Recorded> {
  const recorded: Recorded[] = [];
  // Around the beginning too: a signal that comes while probes are set up must not leave them.
  await untilInterrupted(async (signal) => {
    recorded.push(await recordUntil(signal, request, { terminal, take }));
  });
  const [only] = recorded;
  assert(only !== undefined, 'a recording ends with its summary');
  return only;
}

async function recordUntil(
  signal: AbortSignal,
  { seconds, command }: RecordingRequest,
  { terminal, take }: { readonly terminal: ProgressTerminal; readonly take: Take },
): Promise<Recorded> {
  using recording = recordMappings();
  const child = command && new ChildCommand(command, () => recording.stop());
  const end = (): void => (child === undefined ? recording.stop() : child.terminate());
  signal.addEventListener('abort', end);
  const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
  // Where the process ends at once, as when nobody reads its output any more.
  const abandon = (): void => {
    recording.close();
    child?.terminate();
  };
  process.once('exit', abandon);
  const progress = new RecordingProgress(terminal);
  try {
    const summary = await readRecording(recording, take, progress);
    const { cost } = recording;
    assert(cost !== undefined, 'the cost is known at the end');
    return { summary, cost, commandFailure: await child?.ended() };
  } finally {
    progress.end();
    process.off('exit', abandon);
    clearTimeout(timer);
  }
}

async function readRecording(
  recording: MappingRecording,
  take: Take,
  progress: RecordingProgress,
): Promise<TraceSummary> {
  let summary: TraceSummary | undefined;
  for await (const record of recording) {
    if (record.kind === 'summary') summary = record;
    else take(record);
    if (record.kind === 'mapping') progress.mappingCount += 1;
  }
  assert(summary !== undefined, 'a recording ends with its summary');
  return summary;
}

/** How long is recorded already, and what came of it. */
class RecordingProgress {
  mappingCount = 0;
  readonly #since = Date.now();
  readonly #terminal: ProgressTerminal;
  readonly #timer: NodeJS.Timeout;

  constructor(terminal: ProgressTerminal) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#tell(), PROGRESS_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#terminal.clearProgress();
  }

  #tell(): void {
    const seconds = Math.floor((Date.now() - this.#since) / 1000);
    this.#terminal.showProgress(`${seconds} s: ${formatAmount(this.mappingCount, 'mapping', 'mappings')}`);
  }
}

/** Each mapping as an object on a line, as soon as it has ended. */
export async function writeRecording(request: RecordingRequest, terminal: Terminal): Promise<ExitStatus> {
  const { summary, commandFailure } = await recordHere(request, terminal, (record) => {
    if (record.kind === 'mapping') writeJsonLine(record, terminal.writeJson);
  });
  writeJsonLine(summary, terminal.writeJson);
  return statusAfter(commandFailure, terminal);
}

/** Says how the command failed, behind what was recorded all the same. */
export function statusAfter(commandFailure: string | undefined, { printError }: Terminal): ExitStatus {
  if (commandFailure === undefined) return SUCCEEDED;
  printError(`dmabuf: The command ${commandFailure}`);
  return FAILED;
}
