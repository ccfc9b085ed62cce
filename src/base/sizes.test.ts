import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GiB, KiB, MiB, TiB, formatSize, parseSize } from './sizes.ts';

test('KiB, MiB, GiB and TiB are powers of two', () => {
  assert.deepEqual([KiB, MiB, GiB, TiB], [1024, 1_048_576, 1_073_741_824, 1_099_511_627_776]);
});

test('parseSize reads bytes, and every unit in every spelling', () => {
  const expected: [text: string, bytes: number][] = [
    ['0', 0],
    ['4096', 4096],
    ['4096B', 4096],
    ['4096 b', 4096],
    ['64KiB', 65_536],
    ['64kib', 65_536],
    ['64 KiB', 65_536],
    ['64K', 65_536],
    ['64Ki', 65_536],
    ['64k', 65_536],
    ['4096 bytes', 4096],
    ['1 byte', 1],
    ['8MiB', 8_388_608],
    ['8M', 8_388_608],
    ['2GiB', 2_147_483_648],
    ['1.5GiB', 1_610_612_736],
    ['0.5KiB', 512],
    ['1TiB', 1_099_511_627_776],
    ['  8 MiB\n', 8_388_608],
  ];
  for (const [text, bytes] of expected) assert.equal(parseSize(text), bytes, text);
});

test('parseSize takes the largest whole number of bytes that is exact, and refuses the next', () => {
  assert.equal(parseSize('9007199254740991'), 9_007_199_254_740_991);
  assert.throws(() => parseSize('9007199254740992'), RangeError);
  assert.throws(() => parseSize('8192TiB'), RangeError);
});

test('parseSize refuses text that is not a size, or not a whole number of bytes', () => {
  for (const text of [
    '',
    ' ',
    'MiB',
    '-1',
    '+1',
    '1e6',
    '0x10',
    '1.',
    '.5',
    '1,5GiB',
    '1.5',
    '0.3KiB',
    '8MiBs',
    '8 M i B',
    '8PiB',
    'NaN',
    '1 2',
  ]) {
    assert.throws(() => parseSize(text), { name: 'RangeError' }, text);
  }
  assert.throws(() => parseSize('8 pages'), {
    message: "Cannot read a size: 'text' must be bytes or a number with KiB, MiB, GiB or TiB, received '8 pages'",
  });
});

test('parseSize refuses units that mean a power of two to some and a power of ten to others', () => {
  for (const text of ['64MB', '64 mb', '64kB', '1.5GB', '2Tb', '0MB'])
    assert.throws(() => parseSize(text), RangeError, text);
  assert.throws(() => parseSize('64MB'), {
    message:
      'Cannot read a size as "64MB" has two meanings: write 64MiB for powers of two, or 64000000 for powers of ten',
  });
  assert.throws(() => parseSize(' 1.5gb'), {
    message: /write 1\.5GiB for powers of two, or 1500000000 for powers of ten$/u,
  });
});

test('formatSize takes the largest unit that the value fills, with one decimal where it is not whole', () => {
  const expected: [bytes: number, text: string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1_048_576, '1 MiB'],
    [8_388_608, '8 MiB'],
    [1_610_612_736, '1.5 GiB'],
    [2_147_483_648, '2 GiB'],
    [1_099_511_627_776, '1 TiB'],
    [2_199_023_255_552_000, '2000 TiB'],
  ];
  for (const [bytes, text] of expected) assert.equal(formatSize(bytes), text);
});

test('parseSize reads back what formatSize prints, where it is whole', () => {
  for (const bytes of [0, 1, 1023, 1024, 65_536, 8_388_608, 1_610_612_736, 5_497_558_138_880]) {
    assert.equal(parseSize(formatSize(bytes)), bytes);
  }
});
