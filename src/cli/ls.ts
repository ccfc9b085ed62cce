import { readFileSync, writeFileSync } from 'node:fs';

import type { BufferSnapshot } from '../machine/buffers/buffer-snapshot.ts';
import { groupGrowth } from '../machine/buffers/group-growth.ts';
import { parseSnapshot } from '../machine/buffers/parse-snapshot.ts';
import { readBufferSnapshot } from '../machine/buffers/read-snapshot.ts';
import { compareSnapshots } from '../machine/buffers/snapshot-difference.ts';
import { SUCCEEDED } from './command.ts';
import type { Command } from './command.ts';
import { formatDifference, formatReading } from './ls-growth.ts';
import { LS_NAME, readLsOptions } from './ls-options.ts';
import type { LsOptions } from './ls-options.ts';
import { formatSnapshot } from './ls-report.ts';
import { openScreen } from './ls-screen.ts';
import { formatJsonLine, formatName } from './ls-text.ts';
import { watchBuffers } from './ls-watch.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: dmabuf ls [--by GROUP] [--json] [--bpf PIN] [--save FILE] [--diff FILE]
       dmabuf ls --watch [SECONDS] [--count N] [--by GROUP] [--json] [--bpf PIN]

Lists every dma-buf of this machine: inode, size, exporter, name, and who holds
it by descriptors and mappings. Each process that holds a buffer has an equal
share of its size. What no process holds, only the kernel does: a screen, a
camera, or a descriptor under way in a socket.

The list is read from debugfs, from a BPF iterator pinned below /sys/fs/bpf, or
from the statistics in sysfs, whichever is there first; who holds what from
/proc. Run it as root to see all; what could not be read is said.

  --by GROUP   a line for each buffer (default), process or exporter
  --json       one object instead: {takenAt, sources, gaps, buffers: [{inode,
               size, exporter, name, references, otherReferences, devices,
               holders}], processes, totals, ...}; sizes in bytes, null where
               not known. With --watch one a line, with what grew in "growth"
  --bpf PIN    reads this BPF iterator's text, four lines a buffer: inode, size,
               name, exporter
  --watch [SECONDS]
               reads again every 2 seconds, or SECONDS, and shows the growth
               since the first time, until Ctrl-C
  --count N    ends --watch after N readings
  --save FILE  also writes the object of --json to FILE
  --diff FILE  shows what is new, gone or held differently since FILE was saved,
               with --json as {newBuffers, goneBuffers, changedBuffers, ...}
  --help       this text

Exit status: 0, also where much could not be read; 1 when a file could not be
read or written; 2 for arguments that are none.`;

export const lsCommand: Command = {
  name: 'ls',
  summary: 'lists every dma-buf of this machine, and who holds it',
  help: HELP,
  run: async (args, terminal) => {
    const options = readLsOptions(args);
    if (options.watch === undefined) listOnce(options, terminal);
    else await watch(options, options.watch, terminal);
    return SUCCEEDED;
  },
};

function listOnce(options: LsOptions, terminal: Terminal): void {
  const { json, grouping, saveFile, diffFile } = options;
  // Read before it may be written.
  const before = diffFile === undefined ? undefined : readSnapshotFile(diffFile);
  const now = readBufferSnapshot(options);
  const difference = before && compareSnapshots(before, now);
  if (saveFile !== undefined) saveSnapshot(saveFile, now);
  if (json) terminal.print(formatJsonLine(difference ?? now));
  else if (difference === undefined) printLines(formatSnapshot(now, grouping), terminal);
  else printLines(formatDifference(difference, now), terminal);
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
    read: () => readBufferSnapshot(options),
    show: (first, now) => {
      if (json) terminal.print(formatJsonLine({ ...now, growth: groupGrowth(first, now, grouping) }));
      else screen.show(formatReading(first, now, grouping));
    },
  });
}

function readSnapshotFile(path: string): BufferSnapshot {
  const text = withReason(`Cannot read ${formatName(path)}`, () => readFileSync(path, 'utf8'));
  return withReason(
    `Cannot compare with ${formatName(path)}`,
    () => parseSnapshot(text),
    `: write one with "${LS_NAME} --save FILE"`,
  );
}

function saveSnapshot(path: string, snapshot: BufferSnapshot): void {
  withReason(`Cannot write ${formatName(path)}`, () => writeFileSync(path, `${formatJsonLine(snapshot)}\n`));
}

function withReason<Value>(what: string, body: () => Value, remedy = ''): Value {
  try {
    return body();
  } catch (cause) {
    throw new Error(`${what} as ${(cause as Error).message}${remedy}`, { cause });
  }
}

function printLines(lines: readonly string[], terminal: Terminal): void {
  for (const line of lines) terminal.print(line);
}
