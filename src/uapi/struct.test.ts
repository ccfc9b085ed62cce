import assert from 'node:assert/strict';
import { test } from 'node:test';

import { defineStruct } from './struct.ts';

/** struct { short a; unsigned short b; int c; unsigned d; char name[32]; unsigned long long e; } */
const mixed = defineStruct({ a: 's16', b: 'u16', c: 's32', d: 'u32', name: 'char[32]', e: 'u64' });

// prettier-ignore
const BYTES = [
  0xfe, 0xff, 0xfe, 0xff, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
  0x68, 0xc3, 0xa9, ...Array<number>(29).fill(0),
  ...Array<number>(4).fill(0),
  0x01, 0x02, 0x03, 0x84, 0x05, 0x06, 0x07, 0x00,
];
const VALUES = { a: -2, b: 65_534, c: -3, d: 4_294_967_295, name: 'hé', e: 0x7_0605_8403_0201 };

test('a struct is written as the kernel reads it, and read as the kernel wrote it', () => {
  assert.equal(mixed.size, 56);
  assert.deepEqual(mixed.offsets, { a: 0, b: 2, c: 4, d: 8, name: 12, e: 48 });
  assert.deepEqual([...mixed.write(VALUES)], BYTES);
  assert.deepEqual(mixed.read(Uint8Array.from(BYTES)), VALUES);
});

test('a struct is read from where its bytes begin, in shared memory too, regardless of what follows them', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(80), 3, 70);
  bytes.set(BYTES);
  bytes.fill(0xff, BYTES.length);
  assert.deepEqual(mixed.read(bytes), VALUES);
});

test('a struct that is written over bytes replaces all of them, and no byte behind them', () => {
  const bytes = new Uint8Array(58).fill(0xaa);
  assert.equal(mixed.write({ b: 1 }, bytes), bytes);
  assert.deepEqual([...bytes], [0, 0, 1, 0, ...Array<number>(52).fill(0), 0xaa, 0xaa]);
});

test('numbers are converted as C converts them', () => {
  assert.deepEqual(mixed.read(mixed.write({ b: -1, d: -1, e: -1 })), {
    a: 0,
    b: 65_535,
    c: 0,
    d: 4_294_967_295,
    name: '',
    // The nearest number to 2^64 - 1.
    e: 18_446_744_073_709_551_616,
  });
  assert.throws(() => mixed.write({ e: 0.5 }), { name: 'InvariantError' });
});

/** struct { char a; struct { long b; } n; unsigned reserved[3]; long long c; unsigned char d; } */
const nested = defineStruct({ a: 'u8', 'n.b': 's64', reserved: 'u32[3]', c: 's64 exact', d: 'u8' });

test('a struct has nested members by C’s own path, and arrays that have a place and no value', () => {
  assert.equal(nested.size, 48);
  assert.deepEqual(nested.offsets, { a: 0, 'n.b': 8, reserved: 16, c: 32, d: 40 });
  const bytes = nested.write({ a: 255, 'n.b': -3, c: -(2n ** 62n) - 1n, d: 256 });
  assert.deepEqual([...bytes.subarray(8, 16)], [0xfd, 255, 255, 255, 255, 255, 255, 255]);
  assert.deepEqual(nested.read(bytes), { a: 255, 'n.b': -3, c: -(2n ** 62n) - 1n, d: 0 });
});

test('a packed struct has its arrays unaligned', () => {
  const packed = defineStruct({ a: 'u8', b: 'u16[3]', c: 'u8' }, { packed: true });
  assert.deepEqual([packed.size, packed.offsets], [8, { a: 0, b: 1, c: 7 }]);
});
