import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CommandDescription } from './command-description.ts';
import { parseArguments, UsageError } from './parse-arguments.ts';

const COPY = {
  invocation: 'copy',
  summary: '',
  paragraphs: [],
  argument: { usage: '[FILE]', forms: [] },
  options: {
    all: { text: '', short: 'a' },
    to: { text: '', value: 'PLACE', short: 't' },
    only: { text: '', value: 'PART', isRepeatable: true },
    watch: { text: '', value: 'SECONDS', isValueOptional: true },
    kind: { text: '', value: 'KIND', choices: [{ name: 'whole' }, { name: 'A' }] },
  },
  exitStatus: '',
} as const satisfies CommandDescription;

const RUN = {
  invocation: 'run --',
  options: { cpu: { text: '', value: 'NAME' }, quiet: { text: '' } },
  argument: { usage: '[COMMAND]...', forms: [], isCommandLine: true },
} as const;

test('parseArguments gives switches, values, and arguments', () => {
  const nothing = { all: false, to: undefined, only: [], watch: undefined, kind: undefined, help: false };
  assert.deepEqual(parseArguments(COPY, []), { options: nothing, isHelp: false, words: [] });
  assert.deepEqual(parseArguments(COPY, ['x', '--all', '--to=there', '--only', '1', '--only', '2']).options, {
    ...nothing,
    all: true,
    to: 'there',
    only: ['1', '2'],
  });
  assert.deepEqual(parseArguments(COPY, ['-at', 'there']).options, { ...nothing, all: true, to: 'there' });
  assert.deepEqual(parseArguments(COPY, ['--', '--all']).words, ['--all']);
  assert.equal(parseArguments(COPY, ['--to', 'a', '--to', 'b']).options.to, 'b');
  assert.equal(parseArguments(COPY, ['--to', '-']).options.to, '-');
  assert.equal(parseArguments(COPY, ['-h', 'x', 'y']).isHelp, true);
});

test('parseArguments takes an optional value from the next word, unless that is an option', () => {
  assert.deepEqual(parseArguments(COPY, ['--watch']).options.watch, true);
  assert.deepEqual(parseArguments(COPY, ['--watch', '--all']).options.watch, true);
  const { options, words } = parseArguments(COPY, ['--watch', '5', 'x']);
  assert.deepEqual([options.watch, words], ['5', ['x']]);
  assert.deepEqual(parseArguments(COPY, ['--watch=5', 'x']).words, ['x']);
  assert.deepEqual(parseArguments(COPY, ['x', '--watch']).words, ['x']);
});

test('parseArguments refuses what is empty, as the unset variable of a shell is', () => {
  const empty = (name: string, form: string): string =>
    `Cannot use ${name} as its ${form} is empty: is a variable of the shell unset?`;
  for (const [args, message] of [
    [['--to', ''], empty('--to', 'PLACE')],
    [['--to='], empty('--to', 'PLACE')],
    [['-t', ''], empty('-t', 'PLACE')],
    [['--only', '1', '--only', ''], empty('--only', 'PART')],
    [['--watch', ''], empty('--watch', 'SECONDS')],
    [['--watch='], empty('--watch', 'SECONDS')],
    [['--kind', ''], empty('--kind', 'KIND')],
    [[''], 'Cannot use an empty argument for copy: is a variable of the shell unset?'],
    [['--', ''], 'Cannot use an empty argument for copy: is a variable of the shell unset?'],
  ] as const)
    assert.throws(() => parseArguments(COPY, args), new UsageError(message));
  assert.deepEqual(parseArguments(RUN, ['sh', '']).words, ['sh', '']);
});

test('parseArguments finds choices in either case', () => {
  for (const [word, choice] of [
    ['whole', 'whole'],
    ['WHOLE', 'whole'],
    ['a', 'A'],
  ] as const)
    assert.equal(parseArguments(COPY, ['--kind', word]).options.kind, choice);
});

test('parseArguments leaves a command line that is the argument as it is', () => {
  assert.deepEqual(parseArguments(RUN, ['--cpu', 'x', 'node', '--quiet', '--', '-x']).words, [
    'node',
    '--quiet',
    '--',
    '-x',
  ]);
  assert.deepEqual(parseArguments(RUN, ['--quiet', '--', '--cpu', 'x']).words, ['--cpu', 'x']);
  assert.equal(parseArguments(RUN, ['node', '--quiet']).options.quiet, false);
});

test('parseArguments refuses the rest, and says what is allowed', () => {
  const refusals: [args: string[], message: string][] = [
    [['--al'], 'Cannot use --al as copy has no such option: did you mean --all? See "copy --help"'],
    [['-x'], 'Cannot use -x as copy has no such option: see "copy --help"'],
    [['--no-all'], 'Cannot use --no-all as copy has no such option: see "copy --help"'],
    [['--toString'], 'Cannot use --toString as copy has no such option: see "copy --help"'],
    [['--all=1'], 'Cannot use --all=1 as --all takes no value: see "copy --help"'],
    [['--to'], 'Cannot use --to as its PLACE is missing: see "copy --help"'],
    [['--to', '--all'], 'Cannot use --to as its PLACE is missing: where "--all" is meant, write --to=--all'],
    [
      ['--kind', 'hole'],
      'Cannot use "hole" for --kind as it must be one of whole, A: did you mean whole? See "copy --help"',
    ],
    [['x', 'y'], 'Cannot use "y" as copy takes no such argument: see "copy --help"'],
  ];
  for (const [args, message] of refusals)
    assert.throws(
      () => parseArguments(COPY, args),
      (error) => error instanceof UsageError && error.message === message,
      message,
    );
  assert.throws(() => parseArguments(RUN, ['--cpux']), {
    message: 'Cannot use --cpux as run has no such option: did you mean --cpu? See "run -- --help"',
  });
});
