/** Whatever the text is: reading it ends, throws nothing, and says the same in any pieces. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { readTraceFixture, readTraceText } from '../../../test/support/traces/read-text.ts';
import { repositoryRoot } from '../../../test/support/runner/source-files.ts';
import { parseMappingEvent } from '../parse-mapping-event.ts';

const FIXTURES = readdirSync(join(repositoryRoot, 'test/fixtures/trace')).map((name) =>
  readTraceFixture(name).split('\n').slice(0, 60).join('\n'),
);

/** Words that readers look for, in orders that no kernel prints. */
const PIECES = [
  ' 0)   1.000 us    |  ',
  'dma_buf_vmap',
  'dma_buf_vunmap_unlocked',
  '() {',
  '();',
  '}',
  ' /* dma_buf_vmap */',
  '   cam-7  [000] ..... 10.000001: ',
  '<stack trace>',
  ' => ',
  '+0x1/0x2',
  ' [mod 8d35d4ce35bb]',
  '[    1.000001] ',
  '[    T1] ',
  'Call trace:',
  'CPU: 1 PID: 2 Comm: cam Not tainted',
  '@[',
  ']: 12',
  ';',
  ' 12',
  '=',
  '> ',
  '&lt;',
  '{"kind":"mapping"',
  ' from ',
  '\u001B[31m',
  '\r',
  '\u0000',
  '|',
];

const pieces = fc
  .array(fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }), { maxLength: 30 })
  .map((lines) => lines.map((line) => line.join('')).join('\n'));

/** A recording with bytes changed, left out and repeated. */
const damaged = fc
  .tuple(
    fc.constantFrom(...FIXTURES),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('change', 'cut', 'repeat'), fc.nat(255)), { maxLength: 12 }),
  )
  .map(([text, damages]) => {
    let bytes = Buffer.from(text);
    for (const [at, kind, value] of damages) {
      const index = at % Math.max(1, bytes.length);
      if (kind === 'change' && bytes.length > 0) bytes[index] = value;
      else if (kind === 'cut') bytes = Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + value)]);
      else bytes = Buffer.concat([bytes.subarray(0, index + value), bytes.subarray(index)]);
    }
    return bytes;
  });

function check(text: string | Uint8Array, chunkBytes: number): void {
  const whole = readTraceText(text);
  for (const mapping of whole.mappings) assert.ok(parseMappingEvent(mapping) !== undefined, JSON.stringify(mapping));
  assert.deepEqual(readTraceText(text, chunkBytes), whole);
  assert.ok(whole.summary.mappings >= whole.mappings.length);
}

const chunks = fc.integer({ min: 1, max: 200 });

test('TraceImporter reads whatever bytes there are, the same in any pieces', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), chunks, check), { seed: 1, numRuns: 300 });
});

test('TraceImporter reads what is made of the words of every form', () => {
  fc.assert(fc.property(pieces, chunks, check), { seed: 2, numRuns: 1500 });
});

test('TraceImporter reads recordings that were damaged', () => {
  fc.assert(fc.property(damaged, chunks, check), { seed: 3, numRuns: 400 });
});

test('TraceImporter reads a recording that is cut at any byte', () => {
  const text = Buffer.from(readTraceFixture('mail-call-traces.txt'));
  for (let end = 0; end < text.length; end += 1) {
    const { mappings } = readTraceText(text.subarray(0, end));
    assert.ok(mappings.length <= 3);
    for (const { path } of mappings) assert.match(path[0] ?? '', /^(?:dma_buf_vmap_unlocked|system_heap_vmap)$/u);
  }
});

test('TraceImporter takes lines of any length in the same time for each byte', () => {
  for (const piece of ['a', ' ', '>', '[', '\u001B[', 'a;', ' 0) |', '=', '&lt;', '\t', '0', '(', 'a b ', '-1 [0']) {
    const text = `${piece.repeat(200_000)}\n dma_buf_vmap+0x1/0x2\n`;
    assert.equal(readTraceText(text).mappings.length, 1, piece);
  }
});
