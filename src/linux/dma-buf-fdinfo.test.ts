import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { parseDmaBufFdinfo } from './dma-buf-fdinfo.ts';

const GENERIC = 'pos:\t0\nflags:\t02000002\nmnt_id:\t12\nino:\t1\n';

test('parseDmaBufFdinfo reads what Linux 6.12 writes', () => {
  assert.deepEqual(parseDmaBufFdinfo(`${GENERIC}size:\t8388608\ncount:\t4\nexp_name:\tudmabuf\nname:\tcamera 0\n`), {
    inode: 1,
    size: 8_388_608,
    references: 4,
    exporter: 'udmabuf',
    name: 'camera 0',
  });
});

test('parseDmaBufFdinfo reads a buffer without a name, on a kernel that does not tell the inode', () => {
  const text = 'pos:\t0\nflags:\t02\nmnt_id:\t12\nsize:\t4096\ncount:\t1\nexp_name:\tsystem\n';
  assert.deepEqual(parseDmaBufFdinfo(text), {
    inode: undefined,
    size: 4096,
    references: 1,
    exporter: 'system',
    name: undefined,
  });
});

test('parseDmaBufFdinfo gives undefined for other files', () => {
  assert.equal(parseDmaBufFdinfo(GENERIC), undefined);
  assert.equal(parseDmaBufFdinfo(`${GENERIC}eventfd-count:                0\n`), undefined);
});

test('parseDmaBufFdinfo reads any name whole, also one that looks like the rest of the text', () => {
  const piece = fc.constantFrom(
    '\n',
    '\t',
    ' ',
    'x',
    ':',
    '\r',
    '\u2029',
    'name:',
    'size:\t1\n',
    'ino:\t9\n',
    ' (deleted)',
  );
  fc.assert(
    fc.property(fc.string({ unit: piece, minLength: 1 }), (name) => {
      const info = parseDmaBufFdinfo(`${GENERIC}size:\t4096\ncount:\t2\nexp_name:\tsystem\nname:\t${name}\n`);
      assert.deepEqual(info, { inode: 1, size: 4096, references: 2, exporter: 'system', name });
    }),
  );
});
