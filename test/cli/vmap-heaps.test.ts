/** The main job on the machine's own heaps, at 1 GiB, as the command does it. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { test } from 'node:test';

import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { cannotSeePfns, cannotTrace } from '../support/devices/layout-rights.ts';
import { cannotBeNobody, NOBODY } from '../support/processes/other-user.ts';
import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';

/** The `--json` output, as far as the tests check it. */
interface VmapOutput {
  readonly size: number;
  readonly pages: number;
  readonly entries: number | null;
  readonly heap: string;
  readonly backend: string;
  readonly mix: string | null;
  readonly orders: Readonly<Record<string, number>> | null;
  readonly layoutSource: string | null;
  readonly layoutRefusal: { readonly reason: string; readonly remedy: string | null } | null;
  readonly heldBytes: number | null;
  readonly instructionNs: number | null;
  readonly conversion: Readonly<Record<string, number | null>>;
  readonly vmap: Readonly<Record<string, number | null>>;
  readonly stamps: { readonly written: number; readonly found: number };
  readonly verified: boolean | null;
}

const GIB = 1024 * 1024 * 1024;
const KERNEL_HEAP = '/dev/dma_heap/system';
const skipKernel = cannotOpen(KERNEL_HEAP) || cannotTrace() || cannotSeePfns();
const skipUdmabuf = cannotOpen('/dev/udmabuf') || cannotSeePfns();
const INSTRUCTION_NS = process.env['DMABUF_INSTRUCTION_NS'];
/** A guest has no compiler, so it gets the program. */
const hasPeer = process.env['DMABUF_PEERS'] !== undefined || spawnSync('cc', ['--version']).status === 0;

function runJson(...args: readonly string[]): VmapOutput {
  const { status, stdout, stderr } = runCli('vmap', ...args, '--json');
  assert.deepEqual([status, stderr], [0, '']);
  return JSON.parse(stdout) as VmapOutput;
}

function pagesOf({ orders }: VmapOutput): number {
  return Object.entries(orders ?? {}).reduce((sum, [order, count]) => sum + count * 2 ** Number(order), 0);
}

/** The checks that are the same for every heap. */
function assertWholeJob(output: VmapOutput, backend: string): void {
  assert.deepEqual([output.size, output.pages, output.backend], [GIB, 262_144, backend]);
  assert.equal(output.verified, true);
  assert.equal(output.stamps.found, output.stamps.written);
  assert.equal(output.instructionNs, INSTRUCTION_NS === undefined ? null : Number(INSTRUCTION_NS));
  const walks = ['byPageNs', 'byEntryNs', 'byEntry8Ns', ...(hasPeer ? ['cByPageNs', 'cByEntryNs', 'cByEntry4Ns'] : [])];
  const times = [
    ...walks.map((key) => output.conversion[key]),
    ...['byRunNs', 'byRunTouchedNs', 'byPageNs', 'byPageTouchedNs'].map((key) => output.vmap[key]),
    ...['firstTouchNs', 'secondTouchNs', 'readBytesPerSecond'].map((key) => output.vmap[key]),
  ];
  assert.ok(times.every((time) => typeof time === 'number' && time > 0));
  assert.equal(output.vmap['byPageCalls'], 262_144);
}

test('dmabuf vmap --heap system does the whole job on 1 GiB of the kernel heap', { skip: skipKernel }, () => {
  const output = runJson('1GiB', '--heap', 'system');
  assertWholeJob(output, 'kernel');
  assert.deepEqual(
    [output.heap, output.mix, output.layoutSource],
    ['system', null, 'the trace of its allocation (kmem:mm_page_alloc)'],
  );
  // The system heap has no larger ones (drivers/dma-buf/heaps/system_heap.c).
  assert.ok((output.entries ?? 0) >= 1024);
  assert.ok(Object.keys(output.orders ?? {}).every((order) => ['8', '4', '0'].includes(order)));
  assert.equal(pagesOf(output), 262_144);
  assert.equal(output.vmap['byRunCalls'], 1);
  // Each page is a mapping of its own, and the kernel's default are 65,530 of them.
  assert.ok((output.vmap['byPageParts'] ?? 0) > 1);
  // Both ways past the view, and a third where the table is known, in physical memory.
  const ends = Object.entries(output.orders ?? {}).reduce((sum, [order, n]) => sum + (order === '0' ? n : 2 * n), 0);
  assert.equal(output.stamps.written, 3 * ends);
});

test(
  'dmabuf vmap --heap udmabuf says what helps above its limit, and does the whole job then',
  { skip: skipUdmabuf },
  () => {
    const refused = runCli('vmap', '1GiB', '--heap', 'udmabuf');
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    const { groups } = /as root, run: (?<command>echo \d+ > \S+);/u.exec(refused.stderr) ?? {};
    assert.ok(groups?.['command'] !== undefined, refused.stderr);
    assert.equal(spawnSync('sh', ['-c', groups['command']]).status, 0);
    const output = runJson('1GiB', '--heap', 'udmabuf');
    assertWholeJob(output, 'udmabuf');
    assert.match(output.layoutSource ?? '', /\/proc\/self\/pagemap$/u);
    assert.deepEqual([output.vmap['byRunCalls'], output.vmap['byPageParts']], [1, 1]);
  },
);

test('dmabuf vmap --backend embedded does the whole job on 1 GiB', { skip: skipKernel }, () => {
  const output = runJson('1GiB', '--backend', 'embedded');
  assertWholeJob(output, 'embedded');
  assert.deepEqual([output.mix, output.entries, output.vmap['byRunCalls']], ['fresh', 1024, 1024]);
});

test(
  'dmabuf vmap without a heap takes the embedded one, and says how to run it on the others',
  { skip: skipKernel },
  () => {
    const { status, stdout } = runCli('vmap', '1MiB');
    assert.equal(status, 0);
    assert.match(stdout, /"system", embedded backend/u);
    assert.match(stdout, /\nOn this machine's own heaps: dmabuf vmap --heap system(?:, or --heap \w+)*\n$/u);
  },
);

test(
  'dmabuf vmap --fragment has the kernel heap find small pieces, and gives the memory back',
  { skip: skipKernel },
  () => {
    const output = runJson('64MiB', '--heap', 'system', '--fragment');
    assert.equal(output.verified, true);
    const { 8: large = 0, 4: middle = 0, 0: single = 0 } = output.orders ?? {};
    assert.equal(large * 256 + middle * 16 + single, 16_384);
    assert.ok(single > 1024, JSON.stringify(output.orders));
    assert.ok((output.heldBytes ?? 0) > 64 * 1024 * 1024);
    const after = runJson('64MiB', '--heap', 'system');
    assert.ok((after.entries ?? Infinity) < (output.entries ?? 0) / 4, `${after.entries} of ${output.entries}`);
  },
);

test(
  'dmabuf vmap measures no conversion where the table is not told, and proves the view all the same',
  { skip: skipKernel || cannotBeNobody() },
  (t) => {
    const { mode } = statSync(KERNEL_HEAP);
    t.after(() => chmodSync(KERNEL_HEAP, mode));
    chmodSync(KERNEL_HEAP, 0o666);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [CLI_PATH, 'vmap', '4MiB', '--heap', 'system', '--json'],
      { uid: NOBODY, encoding: 'utf8' },
    );
    assert.deepEqual([status, stderr], [0, '']);
    const output = JSON.parse(stdout) as VmapOutput;
    assert.deepEqual([output.layoutSource, output.entries, output.orders], [null, null, null]);
    assert.deepEqual(output.layoutRefusal, { reason: 'only root may use tracefs', remedy: 'run this as root' });
    assert.deepEqual([...new Set(Object.values(output.conversion))], [null]);
    // Every 16th page and the last, both ways.
    assert.deepEqual([output.stamps, output.verified], [{ written: 2 * 65, found: 2 * 65 }, true]);
  },
);
