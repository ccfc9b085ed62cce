import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';

import type { BufferSnapshot } from '../../machine/buffers/buffer-snapshot.ts';
import { groupGrowth } from '../../machine/buffers/group-growth.ts';
import { parseSnapshot } from '../../machine/buffers/parse-snapshot.ts';
import { compareSnapshots } from '../../machine/buffers/snapshot-difference.ts';
import type { SnapshotDifference } from '../../machine/buffers/snapshot-difference.ts';
import { CommandFailure, SUCCEEDED } from '../command.ts';
import type { Command } from '../command.ts';
import { formatDifference, formatReading } from './growth.ts';
import { LS_DESCRIPTION, readLsOptions } from './options.ts';
import type { LsOptions } from './options.ts';
import { readWithProgress } from './reading.ts';
import { snapshotLines } from './report.ts';
import { openScreen } from './screen.ts';
import { withFile } from '../file-failure.ts';
import { writeJsonLine } from '../json-line.ts';
import { formatName } from '../../base/printable-text.ts';
import { watchBuffers } from './watch.ts';
import type { Terminal } from '../terminal.ts';

const LINES_AT_ONCE = 1000;

export const lsCommand: Command = {
  name: 'ls',
  description: LS_DESCRIPTION,
  run: async (args, terminal) => {
    const options = readLsOptions(args);
    if (options.watch === undefined) await listOnce(options, terminal);
    else await watch(options, options.watch, terminal);
    return SUCCEEDED;
  },
};

async function listOnce(options: LsOptions, terminal: Terminal): Promise<void> {
  const { json, grouping, saveFile, diffFile } = options;
  // Read before it may be overwritten.
  const before = diffFile === undefined ? undefined : await readSnapshotFile(diffFile);
  const now = await readList(options, terminal);
  const difference = before && compare(before, now);
  if (saveFile !== undefined) await saveSnapshot(saveFile, now);
  if (json) writeJsonLine(difference === undefined ? now : toDifferenceJson(difference), terminal.writeJson);
  else if (difference === undefined) printLines(snapshotLines(now, grouping, terminal.columns), terminal);
  else printLines(formatDifference(difference, now, terminal.columns), terminal);
}

async function watch(
  options: LsOptions,
  { intervalMs, count }: NonNullable<LsOptions['watch']>,
  terminal: Terminal,
): Promise<void> {
  const { json, grouping } = options;
  const screen = openScreen(process.stdout, terminal);
  await watchBuffers({
    intervalMs,
    count,
    read: (signal) => readList(options, terminal, signal),
    show: (first, now) => {
      if (json) writeJsonLine({ ...now, growth: groupGrowth(first, now, grouping) }, terminal.writeJson);
      else screen.show(formatReading(first, now, { grouping, columns: terminal.columns }));
    },
  });
}

/** Reads the buffers. The file of an option is the user's, so its refusals are reported as such. */
async function readList(options: LsOptions, terminal: Terminal, signal?: AbortSignal): Promise<BufferSnapshot> {
  const path = options.bpfPath ?? options.bufinfoPath;
  const read = (): Promise<BufferSnapshot> => readWithProgress(options, terminal, signal);
  return path === undefined ? await read() : await withFile('read', path, read);
}

function compare(before: BufferSnapshot, now: BufferSnapshot): SnapshotDifference {
  try {
    return compareSnapshots(before, now);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CommandFailure(cause.message, { cause });
  }
}

/** The difference for programs: docs/schemas/dmabuf-difference.schema.json. */
function toDifferenceJson(difference: SnapshotDifference): object {
  return { format: 'dmabuf-difference', version: 1, ...difference };
}

async function readSnapshotFile(path: string): Promise<BufferSnapshot> {
  const text = await withFile('read', path, () => readFileSync(path, 'utf8'));
  try {
    return parseSnapshot(text);
  } catch (cause) {
    throw new CommandFailure(
      `Cannot compare with ${formatName(path)} as ${cause instanceof SyntaxError ? 'it is no JSON' : (cause as Error).message}: write one with "${LS_DESCRIPTION.invocation} --save FILE"`,
      { cause },
    );
  }
}

async function saveSnapshot(path: string, snapshot: BufferSnapshot): Promise<void> {
  await withFile('write', path, () => {
    const fd = openSync(path, 'w');
    try {
      writeJsonLine(snapshot, (text) => writeFileSync(fd, text));
    } finally {
      closeSync(fd);
    }
  });
}

/** Many lines at a time: there may be half a million. */
function printLines(lines: Iterable<string>, terminal: Terminal): void {
  let waiting: string[] = [];
  for (const line of lines) {
    waiting.push(line);
    if (waiting.length < LINES_AT_ONCE) continue;
    terminal.print(waiting.join('\n'));
    waiting = [];
  }
  if (waiting.length > 0) terminal.print(waiting.join('\n'));
}
