import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRockchipList } from './rockchip-list.ts';

/** The kernel's `%-16.16s`: truncated and padded in bytes. */
function cell(text: string): string {
  return Buffer.from(text.padEnd(16)).subarray(0, 16).toString('latin1');
}

/**
 * "%16s %-16s %-16s %14s %8s\n\n": rk_dmabuf_dev_show and rk_dmabuf_sgt_show of Rockchip's 5.10 and
 * 6.1.
 */
function heading(last: string): string {
  return `${'DMABUF'.padStart(16)} ${cell('NAME')} ${cell('EXPORT')} ${'SIZE:KiB'.padStart(14)} ${last.padStart(8)}\n\n`;
}

/** "%px %-16.16s %-16.16s %10lu KiB" */
function row(name: string, exporter: string, kib: number): string {
  return `ffffff80f1c2a800 ${cell(name)} ${cell(exporter)} ${String(kib).padStart(10)} KiB`;
}

/** "%4d: %pa..%pa (%10lu %s)\n" */
function segment(index: number, size: string): string {
  return `${String(index).padStart(4)}: 0x00000000f0000000..0x00000000f00fffff (${size.padStart(14)})\n`;
}

const COMMON = { inode: undefined, references: undefined };

test('parseRockchipList reads the five columns of /proc/rk_dmabuf/dev', () => {
  const text = [
    heading('AttachedDevices'),
    `${row('rkisp1_mainpath queue', 'rk-dma-heap-cma', 3072)} rkisp0-vir0 fdf40200.rkvdec\n`,
    `${row('(null)', 'drm', 8100)}\n`,
    `${row('a\nb', 'system-uncached-dma32', 4)}\n`,
    `${row('größe größe größe', 'system', 4)}\n`,
  ].join('');
  assert.deepEqual(parseRockchipList(text), [
    {
      ...COMMON,
      size: 3_145_728,
      exporter: 'rk-dma-heap-cma',
      name: 'rkisp1_mainpath',
      devices: ['rkisp0-vir0', 'fdf40200.rkvdec'],
    },
    { ...COMMON, size: 8_294_400, exporter: 'drm', name: undefined, devices: [] },
    { ...COMMON, size: 4096, exporter: 'system-uncached-', name: 'a\nb', devices: [] },
    { ...COMMON, size: 4096, exporter: 'system', name: 'größe größe', devices: [] },
  ]);
});

test('parseRockchipList reads the five columns of /proc/rk_dmabuf/sgt, one buffer for all pieces of its table', () => {
  const text = [
    heading('SGLIST'),
    row('frame', 'system', 1028),
    segment(0, '1024 KiB'),
    ' '.repeat(65),
    segment(1, '4 KiB'),
    row('small', 'drm', 0),
    segment(0, '512 Bytes'),
  ].join('');
  assert.deepEqual(parseRockchipList(text), [
    { ...COMMON, size: 1_052_672, exporter: 'system', name: 'frame', devices: undefined },
    { ...COMMON, size: 0, exporter: 'drm', name: 'small', devices: undefined },
  ]);
});

test("parseRockchipList reads the four columns of older kernels' /proc/rk_dmabuf", () => {
  // "%-16s %-16s %14s %8s\n\n", "%-16.16s %-16.16s %10lu KiB", "%48s", "Total: %lu KiB\n"
  const text = [
    `${cell('NAME')} ${cell('EXPORT')} ${'SIZE:KiB'.padStart(14)} ${'SGLIST'.padStart(8)}\n\n`,
    row('frame', 'ion', 8).slice('ffffff80f1c2a800 '.length),
    segment(0, '4 KiB'),
    ' '.repeat(48),
    segment(1, '4 KiB'),
    'Total: 8 KiB\n',
  ].join('');
  assert.deepEqual(parseRockchipList(text), [
    { ...COMMON, size: 8192, exporter: 'ion', name: 'frame', devices: undefined },
  ]);
});

test('parseRockchipList reads an empty list, and nothing else', () => {
  assert.deepEqual(parseRockchipList(heading('AttachedDevices')), []);
  assert.equal(parseRockchipList(''), undefined);
  assert.equal(parseRockchipList('Total: 8 KiB\n'), undefined);
  assert.equal(parseRockchipList(`${heading('AttachedDevices')}something else\n`), undefined);
  assert.equal(parseRockchipList(`${heading('AttachedDevices')}${row('cut', 'system', 4).slice(0, 40)}`), undefined);
});
