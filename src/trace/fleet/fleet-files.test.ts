/** Files that are none of a fleet, damaged or hostile, and names that mean several. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { parquetWriteFile } from 'hyparquet-writer';

import { importDuckdb, lackOfDuckdb } from '../../../test/support/traces/duckdb.ts';
import { seededFleet } from '../../../test/support/traces/seeded-fleet.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { writeTraceParquet } from '../export/parquet/write-trace-parquet.ts';
import { isParquetFile } from './parquet-footer.ts';
import { reportFleetWith } from './report-fleet.ts';

const skip = lackOfDuckdb;
const EVENT_COUNT = 30;

/** A file of the fleet, with {@link EVENT_COUNT} events and a summary. */
async function writeSample(path: string): Promise<void> {
  const records = seededFleet(9, EVENT_COUNT)[0]?.records ?? [];
  mkdirSync(dirname(path), { recursive: true });
  assert.equal(await writeTraceParquet(path, records, { device: 'cam' }), EVENT_COUNT + 1);
}

async function filesRead(...sources: readonly string[]): Promise<number> {
  const { fileCount, builds } = await reportFleetWith(importDuckdb, sources, {});
  assert.equal(builds[0]?.recordings, fileCount);
  return fileCount;
}

async function codeOf(path: string): Promise<string> {
  try {
    await filesRead(path);
    return 'none';
  } catch (error) {
    assert.ok(isDmaBufError(error), String(error));
    assert.ok(!/[\r\n]/u.test(error.message), error.message);
    return error.code;
  }
}

test('reportFleet reads files, folders at any depth and patterns, each file once', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const strange = join(folder, "a*?[b]'\\{1,2}", 'x.parquet');
  await writeSample(strange);
  for (const name of ['1.parquet', '2.parquet', 'deep/build=x/3.parquet']) await writeSample(join(folder, name));
  writeFileSync(join(folder, 'notes.txt'), 'no Parquet file');
  symlinkSync('1.parquet', join(folder, 'link.parquet'));
  assert.equal(await filesRead(folder), 4);
  assert.equal(await filesRead(strange), 1);
  assert.equal(await filesRead(join(folder, '?.parquet')), 2);
  assert.equal(await filesRead(join(folder, '[1-9].parquet'), join(folder, 'deep')), 3);
  assert.equal(await filesRead(join(folder, '1.parquet'), join(folder, '?.parquet')), 2);
  assert.equal(await filesRead(join(folder, 'deep/**/*.parquet')), 1);
});

test('reportFleet says of each source that means no file what is wrong', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const missing = join(folder, 'no-such.parquet');
  for (const source of [missing, join(folder, '*.parquet'), `${'x'.repeat(300)}.parquet`])
    await assert.rejects(reportFleetWith(importDuckdb, [source], {}), {
      code: 'ENOENT',
      message: `Cannot read ${source} as there is no such file`,
    });
  await assert.rejects(reportFleetWith(importDuckdb, [folder], {}), {
    code: 'ENOENT',
    message: `Cannot read ${folder} as no file in it has a name that ends in .parquet: "dmabuf trace export --parquet" writes them`,
  });
});

test('reportFleet refuses what is no Parquet file, and never opens a pipe', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const [text, empty, pipe] = [
    join(folder, 'text.parquet'),
    join(folder, 'empty.parquet'),
    join(folder, 'pipe.parquet'),
  ];
  writeFileSync(text, 'PAR2 and so on');
  writeFileSync(empty, '');
  execFileSync('mkfifo', [pipe]);
  assert.equal(await isParquetFile(pipe), false);
  for (const [path, why] of [
    [text, 'it is no Parquet file'],
    [empty, 'it is no Parquet file'],
    [pipe, 'it is no ordinary file'],
  ] as const)
    await assert.rejects(reportFleetWith(importDuckdb, [path], {}), {
      code: 'EBADMSG',
      message: `Cannot read ${path} as ${why}`,
    });
});

test('reportFleet refuses Parquet files of others, and of another version', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const columnData = [{ name: 'call_path', data: ['a'], type: 'STRING' as const }];
  const [foreign, later] = [join(folder, 'foreign.parquet'), join(folder, 'later.parquet')];
  parquetWriteFile({ filename: foreign, columnData });
  parquetWriteFile({ filename: later, columnData, kvMetadata: [{ key: 'dmabuf.events.version', value: '2' }] });
  await assert.rejects(reportFleetWith(importDuckdb, [foreign], {}), {
    code: 'EPROTONOSUPPORT',
    message: `Cannot read ${foreign} as it has no events of mappings: "dmabuf trace export --parquet" writes them`,
  });
  await assert.rejects(reportFleetWith(importDuckdb, [later], {}), {
    code: 'EPROTONOSUPPORT',
    message: `Cannot read ${later} as its columns are of version 2, and this dmabuf reads version 1: export the trace anew`,
  });
});

test('reportFleet names the damaged file among others', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['1', '2', '3']) await writeSample(join(folder, `${name}.parquet`));
  const damaged = join(folder, '2.parquet');
  const bytes = readFileSync(damaged);
  const descriptionBytes = bytes.readUInt32LE(bytes.length - 8);
  // The description of the columns becomes nonsense; its length and both magics stay.
  bytes.fill(0xff, bytes.length - 8 - descriptionBytes, bytes.length - 8);
  writeFileSync(damaged, bytes);
  await assert.rejects(reportFleetWith(importDuckdb, [folder], {}), ({ code, message }: NodeJS.ErrnoException) => {
    assert.equal(code, 'EBADMSG');
    assert.ok(message.startsWith(`Cannot read ${damaged} as it is damaged: `), message);
    return true;
  });
});

test('reportFleet refuses a file that is cut anywhere', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const [whole, cut] = [join(folder, 'whole.parquet'), join(folder, 'cut.parquet')];
  await writeSample(whole);
  const bytes = readFileSync(whole);
  for (let length = 0; length < bytes.length; length += 97) {
    writeFileSync(cut, bytes.subarray(0, length));
    assert.equal(await codeOf(cut), 'EBADMSG', `${length} of ${bytes.length} bytes`);
  }
  copyFileSync(whole, cut);
  assert.equal(await codeOf(cut), 'none');
});

test('reportFleet ends in an answer or an error, whatever bytes of a file are changed', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const [whole, changed] = [join(folder, 'whole.parquet'), join(folder, 'changed.parquet')];
  await writeSample(whole);
  const bytes = readFileSync(whole);
  const random = new SeededRandom(1);
  const codes = new Map<string, number>();
  for (let round = 0; round < 150; round += 1) {
    const copy = Buffer.from(bytes);
    for (let change = 0; change <= random.below(3); change += 1)
      copy[4 + random.below(copy.length - 8)] = random.below(256);
    writeFileSync(changed, copy);
    const code = await codeOf(changed);
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  assert.ok((codes.get('EBADMSG') ?? 0) > 30, JSON.stringify([...codes]));
  assert.ok((codes.get('none') ?? 0) > 5, JSON.stringify([...codes]));
});
