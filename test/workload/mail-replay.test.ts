/** The three callers of the mail, replayed: the same call paths as in its log. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { KiB, MiB } from '../../src/base/sizes.ts';
import type { MappingEvent, UnmappingEvent } from '../../src/trace/mapping-event.ts';
import { readTraceFile } from '../../src/trace/read-trace.ts';
import { ApusysPool } from '../../src/workload/consumers/apusys-pool.ts';
import { MtkAov } from '../../src/workload/consumers/mtk-aov.ts';
import { MtkCamera } from '../../src/workload/consumers/mtk-camera.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import { runCli } from '../support/processes/run-cli.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

checkLeaksAfterFile();

const MAIL = 'test/fixtures/trace/mail-call-traces.txt';

async function replayMail(): Promise<(MappingEvent | UnmappingEvent)[]> {
  using heap = openEmbeddedHeap({ capacity: 64 * MiB });
  const records: (MappingEvent | UnmappingEvent)[] = [];
  const kernel = new KernelFunctions({ onRecord: (record) => void records.push(record) });
  const vision = await MtkAov.start(kernel, heap);
  const camera = new MtkCamera(kernel, { slotCount: 1 });
  const buffer = heap.allocate(64 * KiB);
  await camera.request([{ node: 'statistics', kind: 'meta-statistics', slot: 0, buffer }], 1);
  const pool = await ApusysPool.open(kernel, heap);
  await pool.close();
  await camera.stop();
  buffer.close();
  await vision.stop();
  return records;
}

/** Of the first mapping by each driver's module: that with its build id, and the path outward. */
function pathsByModule(mappings: readonly MappingEvent[]): Map<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>();
  for (const { path, modules = [] } of mappings) {
    const driver = modules.find(({ name }) => name !== 'system_heap');
    const name = `${driver?.name} ${driver?.buildId}`;
    if (!paths.has(name)) paths.set(name, path.slice(path.indexOf('dma_buf_vmap_unlocked')));
  }
  return paths;
}

test("a replay of the mail's machine has the mail's three call paths and modules", async () => {
  const replayed = (await replayMail()).filter((record): record is MappingEvent => record.kind === 'mapping');
  const logged: MappingEvent[] = [];
  for await (const record of readTraceFile(MAIL)) if (record.kind === 'mapping') logged.push(record);
  assert.equal(logged.length, 3);
  assert.deepEqual(pathsByModule(replayed), pathsByModule(logged));
  for (const { parts = [], durationNs, sizeBytes = 0 } of replayed.filter((event) => event.parts !== undefined)) {
    assert.deepEqual(
      parts.map(({ name, depth }) => [name, depth]),
      [
        ['system_heap_vmap', 1],
        ['vmalloc', 2],
        ['vmap', 2],
      ],
    );
    const [whole = 0, ...inner] = parts.map(({ ns = 0 }) => ns);
    assert.ok((durationNs ?? 0) >= whole && whole >= inner.reduce((sum, ns) => sum + ns, 0) && sizeBytes > 0);
  }
});

test('dmabuf callers reads a replay, and names who maps as it does for the log', async (t) => {
  const file = join(temporaryFolder(t), 'replay.jsonl');
  const records = await replayMail();
  const lines = records.filter(({ kind }) => kind === 'mapping').map((record) => `${JSON.stringify(record)}\n`);
  writeFileSync(file, lines.join(''));
  const { status, stdout } = runCli('callers', file);
  assert.equal(status, 0);
  for (const who of ['mtk_aov, aov_core_init', 'mtk_cam_isp8s, mtk_cam_vb2_vaddr', 'apusys, apu_sysmem_alloc'])
    assert.ok(stdout.includes(who) && runCli('callers', MAIL).stdout.includes(who), `${who} is not in\n${stdout}`);
  assert.ok(readFileSync(file, 'utf8').includes('"form":"replay"'));
});
