import { GROUPINGS } from '../machine/buffers/group-buffers.ts';
import type { Grouping } from '../machine/buffers/group-buffers.ts';
import { checkPositionalCount, parseArguments, UsageError } from './command.ts';

/** What the arguments of `dmabuf ls` ask for. */
export interface LsOptions {
  readonly json: boolean;
  readonly grouping: Grouping;
  readonly bpfPath: string | undefined;
  readonly saveFile: string | undefined;
  readonly diffFile: string | undefined;
  readonly watch: { readonly intervalMs: number; readonly count: number } | undefined;
}

export const LS_NAME = 'dmabuf ls';
const INTERVAL_SECONDS_DEFAULT = 2;
const INTERVAL_SECONDS_MIN = 0.05;
const INTERVAL_SECONDS_MAX = 86_400;

/** @throws {UsageError} for arguments that are none */
export function readLsOptions(args: readonly string[]): LsOptions {
  const { values, positionals } = parseArguments(LS_NAME, args.flatMap(splitWatch), {
    by: { type: 'string' },
    json: { type: 'boolean' },
    bpf: { type: 'string' },
    watch: { type: 'boolean' },
    count: { type: 'string' },
    save: { type: 'string' },
    diff: { type: 'string' },
  });
  const [isWatching, saveFile, diffFile] = [values['watch'] === true, text(values['save']), text(values['diff'])];
  checkPositionalCount(LS_NAME, positionals, isWatching ? 1 : 0);
  if (!isWatching && values['count'] !== undefined) throw new UsageError('Cannot use --count as it goes with --watch');
  if (isWatching && (saveFile ?? diffFile) !== undefined) {
    throw new UsageError('Cannot use --watch with --save or --diff as these read once: leave one of them out');
  }
  return {
    json: values['json'] === true,
    grouping: readGrouping(text(values['by'])),
    bpfPath: text(values['bpf']),
    saveFile,
    diffFile,
    watch: isWatching
      ? { intervalMs: readInterval(positionals[0]) * 1000, count: readCount(text(values['count'])) }
      : undefined,
  };
}

/** `--watch` takes a value or none, which Node's parser does not know: the value becomes an argument of its own. */
function splitWatch(argument: string): string[] {
  const value = /^--watch=([^]*)$/u.exec(argument)?.[1];
  return value === undefined ? [argument] : ['--watch', value];
}

function readGrouping(name: string | undefined): Grouping {
  const grouping = GROUPINGS.find((candidate) => candidate === (name ?? 'buffer'));
  if (grouping !== undefined) return grouping;
  throw new UsageError(`Cannot group by "${name}" as it must be one of ${GROUPINGS.join(', ')}`);
}

function readInterval(seconds: string | undefined): number {
  if (seconds === undefined) return INTERVAL_SECONDS_DEFAULT;
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

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
