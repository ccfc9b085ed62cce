/**
 * The same questions, asked of ClickHouse over the same files. ClickHouse in a process is 543 MB,
 * and needs glibc, so this runs where it is wanted.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { inAnyOrder, naiveFleet, naiveGrowth } from '../../../test/support/traces/naive-fleet.ts';
import { SEEDED_BUILDS, seededFleet } from '../../../test/support/traces/seeded-fleet.ts';
import { fetchLargePackages, folderOf, lackOf } from '../../../test/support/processes/fetched-packages.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { writeTraceParquet } from '../export/parquet/write-trace-parquet.ts';
import { FLEET_QUESTIONS } from './fleet-rows.ts';
import { preludeFor, readSql } from './sql-text.ts';

/** What is used here of the module chdb. */
interface Chdb {
  readonly Session: new (path: string) => {
    readonly query: (sql: string, format?: string) => string;
    readonly cleanup: () => void;
  };
}

const fetched = fetchLargePackages('DMABUF_FETCH_CHDB', 'chdb@3.4.0');
const skip = lackOf(fetched);

async function openSession(t: TestContext): Promise<InstanceType<Chdb['Session']>> {
  const url = pathToFileURL(folderOf(fetched, 'chdb/index.mjs')).href;
  const { Session } = (await import(url)) as Chdb;
  const session = new Session(join(temporaryFolder(t), 'session'));
  t.after(() => session.cleanup());
  return session;
}

/** It runs one statement at a time. */
function statementsOf(sql: string): string[] {
  const statements = sql.replaceAll(/^--.*$/gmu, '').split(/;$/mu);
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

function toRows(lines: string): object[] {
  const rows = lines.split('\n').filter((line) => line !== '');
  return rows.map((line) => {
    const known = Object.entries(JSON.parse(line) as object).filter(([, value]) => value !== null);
    return Object.fromEntries(
      known.map(([name, value]: [string, unknown]) => [
        name.replaceAll(/_(?<letter>\w)/gu, (_, letter: string) => letter.toUpperCase()),
        value,
      ]),
    );
  });
}

test('ClickHouse answers every question as a naive twin does', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const fleet = seededFleet(5, 400);
  for (const [index, { records, device, build }] of fleet.entries())
    await writeTraceParquet(join(folder, `${index}.parquet`), records, { device, build });
  const session = await openSession(t);
  const files = [join(folder, '*.parquet')];
  const { from: buildFrom, to: buildTo } = SEEDED_BUILDS;
  for (const statement of statementsOf(preludeFor('clickhouse', { files, buildFrom, buildTo })))
    session.query(statement);
  const ask = (name: string): string[] => inAnyOrder(toRows(session.query(readSql(name), 'JSONEachRow')));
  const expected = naiveFleet(fleet);
  for (const name of FLEET_QUESTIONS) assert.deepEqual(ask(name), inAnyOrder(expected[name] ?? []), name);
  assert.deepEqual(ask('growth'), inAnyOrder(naiveGrowth(fleet, SEEDED_BUILDS)));
});
