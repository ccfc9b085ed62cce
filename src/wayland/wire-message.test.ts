/** Messages as the protocol's documents have them, byte by byte. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decodeArguments, encodeMessage } from './wire-message.ts';

test('a request has its object, its opcode and its length before its arguments', () => {
  // wl_registry.bind(1, "wl_shm", 1, 4), by registry 2.
  const bytes = encodeMessage({ object: 2, opcode: 0 }, ['uint', 'string', 'uint', 'uint'], [1, 'wl_shm', 1, 4]);
  assert.equal(
    Buffer.from(bytes).toString('hex'),
    ['02000000', '00002000', '01000000', '07000000', '776c5f73', '686d0000', '01000000', '04000000'].join(''),
  );
});

test('arguments of every kind are words, and descriptors take none', () => {
  const kinds = ['int', 'uint', 'fixed', 'string?', 'object?', 'array', 'fd'];
  const values = [-2, 0xffff_fffe, -1.5, undefined, undefined, Uint8Array.of(1, 2, 3, 4, 5), undefined];
  const bytes = Buffer.from(encodeMessage({ object: 1, opcode: 3 }, kinds, values)).toString('hex');
  const words = ['feffffff', 'feffffff', '80feffff', '00000000', '00000000', '05000000', '01020304', '05000000'];
  assert.equal(bytes, ['01000000', '03002800', ...words].join(''));
});

test('decodeArguments() reads what it is told to be there', () => {
  // The text "Grün" has 5 bytes and its NUL.
  const words = ['feffffff', 'feffffff', '80feffff', '06000000', '4772c3bc', '6e000000', '00000000'];
  const kinds = ['int', 'uint', 'fixed', 'string', 'string?'];
  assert.deepEqual(decodeArguments(kinds, Buffer.from(words.join(''), 'hex')), [
    -2,
    0xffff_fffe,
    -1.5,
    'Grün',
    undefined,
  ]);
});

for (const [name, kinds, hex] of [
  ['too short', ['uint', 'uint'], '01000000'],
  ['too long', ['uint'], '0100000002000000'],
  ['a text longer than the event', ['string'], '0800000041414141'],
  ['a text without its NUL', ['string'], '0400000041414141'],
  ['an array of 4 GiB', ['array'], 'ffffffff'],
] as const)
  test(`decodeArguments() refuses an event that is ${name}`, () => {
    assert.throws(() => decodeArguments(kinds, Buffer.from(hex, 'hex')), { code: 'EPROTO' });
  });
