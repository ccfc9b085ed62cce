import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { parseDmaBufMappings } from './mapping-list.ts';

test('parseDmaBufMappings finds the dma-bufs among other mappings', () => {
  const text = [
    '00400000-00401000 r--p 00000000 00:02 919                                /usr/bin/node',
    '7f0000000000-7f0000004000 rw-s 00002000 00:0c 12                         /dmabuf:camera 0',
    '00500000-00501000 rw-s 00000000 00:0c 13                                 /dmabuf:',
    '7fe38d000000-7fe38d800000 rw-s 00000000 00:01 3                          /memfd:dmabuf-shareable (deleted)',
    '7ffd00000000-7ffd00001000 rw-p 00000000 00:00 0                          [stack]',
    '7ffe00000000-7ffe00001000 rw-p 00000000 00:00 0 ',
    '',
  ].join('\n');
  assert.deepEqual(parseDmaBufMappings(text), {
    mappings: [
      { inode: 12, name: 'camera 0', end: 0x6000, file: '7f0000000000-7f0000004000' },
      { inode: 13, name: undefined, end: 0x1000, file: '500000-501000' },
    ],
    indistinctCount: 0,
    unreadableCount: 0,
  });
});

test('parseDmaBufMappings counts mappings that kernels before 5.3 do not distinguish', () => {
  const line = '7f0000000000-7f0000004000 rw-s 00000000 00:0b 8                          anon_inode:dmabuf\n';
  assert.deepEqual(parseDmaBufMappings(line + line), { mappings: [], indistinctCount: 2, unreadableCount: 0 });
});

test('parseDmaBufMappings skips a file on disk with the name of a dma-buf', () => {
  const line = '7f0000000000-7f0000004000 rw-s 00000000 fe:01 8                          /dmabuf:camera\n';
  assert.deepEqual(parseDmaBufMappings(line), { mappings: [], indistinctCount: 0, unreadableCount: 0 });
});

test('parseDmaBufMappings counts lines of dma-bufs in an unknown form', () => {
  const known = '7f0000000000-7f0000004000 rw-s 00000000 00:0c 12                         /dmabuf:camera\n';
  const text = `${known}7f0000000000-7f0000004000 rw-s key=3 00000000 00:0c 13 /dmabuf:camera\n${known}`;
  const { mappings, unreadableCount } = parseDmaBufMappings(text);
  assert.deepEqual([mappings.length, unreadableCount], [2, 1]);
});

test('parseDmaBufMappings reads every name back', () => {
  const piece = fc.constantFrom('\n', '\t', ' ', 'x', ':', '\r', '\u2028', '/dmabuf:', ' (deleted)');
  fc.assert(
    fc.property(fc.string({ unit: piece, minLength: 1 }), (name) => {
      // show_map_vma: padded to column 73, line breaks in octal.
      const start = '7f0000000000-7f0000001000 rw-s 00000000 00:0c 5'.padEnd(73);
      const line = `${start}/dmabuf:${name.replaceAll('\n', '\\012')}\n`;
      assert.deepEqual(
        parseDmaBufMappings(line.repeat(2)).mappings.map((mapping) => mapping.name),
        [name, name],
      );
    }),
  );
});
