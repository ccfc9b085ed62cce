import { GROUPINGS } from '../../machine/buffers/group-buffers.ts';
import type { Grouping } from '../../machine/buffers/group-buffers.ts';
import type { CommandDescription } from '../command-description.ts';
import { parseArguments, UsageError } from '../parse-arguments.ts';

/** The parsed arguments of `dmabuf ls`. */
export interface LsOptions {
  readonly json: boolean;
  readonly grouping: Grouping;
  readonly bpfPath: string | undefined;
  readonly bufinfoPath: string | undefined;
  readonly saveFile: string | undefined;
  readonly diffFile: string | undefined;
  readonly watch: { readonly intervalMs: number; readonly count: number } | undefined;
}

const INTERVAL_SECONDS_DEFAULT = 2;
const INTERVAL_SECONDS_MIN = 0.05;
const INTERVAL_SECONDS_MAX = 86_400;

export const LS_DESCRIPTION = {
  invocation: 'dmabuf ls',
  summary: 'lists every dma-buf of this machine, and who holds it',
  paragraphs: [
    'Lists every dma-buf of this machine: inode, size, exporter, name, and who holds it by descriptors and mappings. Each ' +
      'process that holds a buffer has an equal share of its size; several that share one table of descriptors, or one memory, ' +
      'count once. What no process holds, only the kernel does: a screen, a camera, or a descriptor under way in a socket.',
    "The list is read from debugfs, from a vendor's copy of that below /proc, from a BPF iterator pinned below /sys/fs/bpf, or " +
      'from the statistics in sysfs, whichever is there first; who holds what from /proc. Run it as root to see all; what could ' +
      'not be read is said.',
  ],
  options: {
    by: {
      value: 'GROUP',
      text: 'a line for each buffer (default), process or exporter',
      choices: GROUPINGS.map((name) => ({ name })),
    },
    json: {
      text:
        'one object instead, of the format dmabuf-buffers: {takenAt, sources, gaps, buffers: [{inode, size, exporter, name, ' +
        'references, otherReferences, devices, holders}], processes, totals, ...}; sizes in bytes, null where not known: ' +
        "totals.heldOnlyByKernelBytes without a list of the kernel's, inode where a list has none. A holder or process that " +
        'counts for others has their pids in "sharedWith". With --watch one a line, with what grew in "growth"',
    },
    bpf: {
      value: 'PIN',
      text: "reads this BPF iterator's text, four lines a buffer: inode, size, name, exporter",
      completion: 'file',
    },
    bufinfo: {
      value: 'FILE',
      text:
        "reads a copy of debugfs dma_buf/bufinfo, of any Linux from 3.10 on, or of Rockchip's /proc/rk_dmabuf/dev or sgt. A copy " +
        'does not say who held the buffers, so /proc is not read; a file of debugfs or /proc itself is the list of now, and it is',
      completion: 'file',
    },
    watch: {
      value: 'SECONDS',
      isValueOptional: true,
      text:
        `reads again, ${INTERVAL_SECONDS_DEFAULT} seconds or SECONDS after the reading before, and shows the growth since the ` +
        'first time, until Ctrl-C',
    },
    count: { value: 'N', text: 'ends --watch after N readings' },
    save: { value: 'FILE', text: 'also writes the object of --json to FILE', completion: 'file' },
    diff: {
      value: 'FILE',
      text:
        'shows what is new, gone or held differently since FILE was saved; with --json of the format dmabuf-difference: ' +
        '{newBuffers, goneBuffers, changedBuffers, ...}',
      completion: 'file',
    },
  },
  notes: ['On a terminal, a reading that takes longer than a second shows how far it is.'],
  exitStatus: '0, also where much could not be read; 1 when a file could not be read or written',
} as const satisfies CommandDescription;

/** @throws {UsageError} for arguments that the command does not take */
export function readLsOptions(args: readonly string[]): LsOptions {
  const { by = 'buffer', json, bpf, bufinfo, watch, count, save, diff } = parseArguments(LS_DESCRIPTION, args).options;
  if (watch === undefined && count !== undefined) throw new UsageError('Cannot use --count as it goes with --watch');
  if (watch !== undefined && (save ?? diff) !== undefined)
    throw new UsageError('Cannot use --watch with --save or --diff as these read once: leave one of them out');
  if (bpf !== undefined && bufinfo !== undefined)
    throw new UsageError('Cannot use --bpf with --bufinfo as each names the list to read: leave one of them out');
  return {
    json,
    grouping: by,
    bpfPath: bpf,
    bufinfoPath: bufinfo,
    saveFile: save,
    diffFile: diff,
    watch: watch === undefined ? undefined : { intervalMs: readInterval(watch) * 1000, count: readCount(count) },
  };
}

function readInterval(seconds: string | true): number {
  if (seconds === true) return INTERVAL_SECONDS_DEFAULT;
  const value = seconds.trim() === '' ? Number.NaN : Number(seconds);
  if (value >= INTERVAL_SECONDS_MIN && value <= INTERVAL_SECONDS_MAX) return value;
  throw new UsageError(
    `Cannot watch every "${seconds}" seconds as it must be a number from ${INTERVAL_SECONDS_MIN} to ${INTERVAL_SECONDS_MAX}`,
  );
}

function readCount(count: string | undefined): number {
  if (count === undefined) return Number.POSITIVE_INFINITY;
  const value = /^\d+$/u.test(count) ? Number(count) : 0;
  if (value >= 1) return value;
  throw new UsageError(`Cannot end after "${count}" readings as --count must be a whole number from 1`);
}
