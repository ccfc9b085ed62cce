/** The columns, beside what is written elsewhere of them. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { listFiles, repositoryRoot } from '../../../../test/support/runner/source-files.ts';
import { parquetSchema } from './event-columns.ts';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
const GUIDE = read('docs/guide/fleets.md');

const TYPES: Readonly<Record<string, string>> = { BYTE_ARRAY: 'text', INT64: 'number', BOOLEAN: 'boolean' };
const TRINO_TYPES: Readonly<Record<string, string>> = { BYTE_ARRAY: 'VARCHAR', INT64: 'BIGINT', BOOLEAN: 'BOOLEAN' };

test('docs/guide/fleets.md has each column, its type and whether it is always there, in their order', () => {
  const documented = GUIDE.matchAll(/^\| `(?<name>\w+)`(?<star> \*)? \| (?<type>text|number|boolean) \|/gmu);
  const rows = [...documented].map(({ groups }) => [
    groups?.['name'],
    groups?.['type'],
    groups?.['star'] !== undefined,
  ]);
  const [root, ...columns] = parquetSchema();
  assert.equal(root?.num_children, columns.length);
  assert.deepEqual(
    rows,
    columns.map(({ name, type, repetition_type }) => [name, TYPES[type ?? ''], repetition_type === 'REQUIRED']),
  );
});

test('docs/guide/fleets.md names each file of SQL', () => {
  const files = listFiles('src/trace/fleet/sql').map((path) => path.replace(/^.*\//u, ''));
  const named = [...GUIDE.matchAll(/`(?<name>\w+\.sql)` \|/gu)].map(({ groups }) => groups?.['name']);
  assert.deepEqual(named.toSorted(), files.toSorted());
});

test('the prelude for Trino has the same columns', () => {
  const sql = read('src/trace/fleet/sql/trino.sql');
  const columns = [...sql.matchAll(/^ {2}(?<name>\w+) (?<type>[A-Z]+),?$/gmu)];
  assert.deepEqual(
    columns.map(({ groups }) => [groups?.['name'], groups?.['type']]),
    parquetSchema()
      .slice(1)
      .map(({ name, type }) => [name, TRINO_TYPES[type ?? '']]),
  );
});
