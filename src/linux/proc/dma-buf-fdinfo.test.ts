import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { mentionsDmaBuf, parseDmaBufFdinfo } from './dma-buf-fdinfo.ts';

const GENERIC = 'pos:\t0\nflags:\t02000002\nmnt_id:\t12\nino:\t1\n';

test('parseDmaBufFdinfo reads the text of Linux 6.12', () => {
  assert.deepEqual(parseDmaBufFdinfo(`${GENERIC}size:\t8388608\ncount:\t4\nexp_name:\tudmabuf\nname:\tcamera 0\n`), {
    inode: 1,
    size: 8_388_608,
    references: 4,
    exporter: 'udmabuf',
    name: 'camera 0',
  });
});

test('parseDmaBufFdinfo reads a buffer without a name, on a kernel that does not show the inode', () => {
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

test('parseDmaBufFdinfo reads any name whole, even one that imitates the rest of the text', () => {
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

test('parseDmaBufFdinfo skips unknown lines in any place', () => {
  const expected = { inode: 1, size: 4096, references: 2, exporter: 'system', name: 'camera 0' };
  const known = [...GENERIC.trim().split('\n'), 'size:\t4096', 'count:\t2', 'exp_name:\tsystem'];
  for (let at = 0; at <= known.length; at += 1) {
    const lines = [...known.slice(0, at), 'attached:\t3 devices', 'no colon', ...known.slice(at), 'name:\tcamera 0'];
    assert.deepEqual(parseDmaBufFdinfo(`${lines.join('\n')}\n`), expected, lines[at - 1]);
  }
  const reordered = `${GENERIC}exp_name:\tsystem\ncount:\t2\nsize:\t4096\nname:\tcamera 0\n`;
  assert.deepEqual(parseDmaBufFdinfo(reordered), expected);
});

test('parseDmaBufFdinfo reads lines behind the name where the path gives the name', () => {
  const text = `${GENERIC}size:\t4096\ncount:\t2\nname:\ta\nsize:\t1\nexp_name:\tsystem\nattached:\t3\n`;
  assert.deepEqual(parseDmaBufFdinfo(text, 'a\nsize:\t1'), {
    inode: 1,
    size: 4096,
    references: 2,
    exporter: 'system',
    name: 'a\nsize:\t1',
  });
  // Renamed in between: lines that the new name imitates do not count.
  assert.deepEqual(
    parseDmaBufFdinfo(`${GENERIC}size:\t4096\ncount:\t2\nexp_name:\tsystem\nname:\ta\nsize:\t1\n`, 'a')?.size,
    4096,
  );
});

test('parseDmaBufFdinfo gives undefined where size or exporter is missing or invalid', () => {
  for (const lines of ['count:\t2\nexp_name:\tsystem\n', 'size:\t4 KiB\nexp_name:\tsystem\n', 'size:\t4096\n']) {
    assert.equal(parseDmaBufFdinfo(GENERIC + lines), undefined);
    assert.equal(mentionsDmaBuf(GENERIC + lines), true);
  }
  assert.equal(mentionsDmaBuf(GENERIC), false);
  const uncounted = parseDmaBufFdinfo(`${GENERIC}size:\t4096\nexp_name:\tsystem\n`);
  assert.deepEqual([uncounted?.size, uncounted?.references], [4096, undefined]);
});
