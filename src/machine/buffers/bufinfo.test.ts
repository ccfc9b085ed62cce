import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { parseBufinfo } from './bufinfo.ts';
import type { KernelBuffer } from './kernel-buffer.ts';

const HEADER = '\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n';

test('parseBufinfo reads what Linux 6.12 writes', () => {
  const text = [
    '',
    'Dma-buf Objects:',
    'size    \tflags   \tmode    \tcount   \texp_name\tino     \tname',
    '08388608\t00000002\t00080007\t00000004\tudmabuf\t00000001\tcamera 0',
    '\tAttached Devices:',
    'Total 0 devices attached',
    '',
    '921600\t'.padStart(9, '0') + '00000002\t00080007\t00000003\tsystem\t00000012\t<none>',
    '\tkernel fence: vgem vgem seq 1 unsignalled',
    '\tread fence: i915 [i915]:rcs0 seq 77 signalled',
    '\tAttached Devices:',
    '\tvivid.0',
    '\t0000:00:02.0',
    'Total 2 devices attached',
    '',
    '',
    'Total 2 objects, 9310208 bytes',
    '',
  ].join('\n');
  assert.deepEqual(parseBufinfo(text), [
    { inode: 1, size: 8_388_608, exporter: 'udmabuf', name: 'camera 0', references: 4, devices: [] },
    {
      inode: 12,
      size: 921_600,
      exporter: 'system',
      name: undefined,
      references: 3,
      devices: ['vivid.0', '0000:00:02.0'],
    },
  ]);
});

test('parseBufinfo reads an empty list', () => {
  assert.deepEqual(parseBufinfo(`${HEADER}\nTotal 0 objects, 0 bytes\n`), []);
});

test('parseBufinfo reads rows without a name, as kernels have them that were built from 5.3 with vendor changes', () => {
  const header = HEADER.replace('\tname', '');
  const row =
    '00004096\t00000002\t00080007\t00000002\tion\t00000005\n\tAttached Devices:\nTotal 0 devices attached\n\n';
  assert.deepEqual(parseBufinfo(`${header}${row}\nTotal 1 objects, 4096 bytes\n`), [
    { inode: 5, size: 4096, exporter: 'ion', name: undefined, references: 2, devices: [] },
  ]);
});

test('parseBufinfo does not take a text of another format for an empty list', () => {
  const withoutInode =
    '\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\n00004096\t00000002\t00000003\t00000002\tion\n';
  assert.equal(parseBufinfo(`${withoutInode}\nTotal 1 objects, 4096 bytes\n`), undefined);
  assert.equal(parseBufinfo(''), undefined);
  assert.equal(parseBufinfo(HEADER), undefined);
});

test('parseBufinfo reads back every list that the kernel may write, whatever the names', () => {
  const piece = fc.constantFrom(
    '\n',
    '\t',
    ' ',
    ':',
    '\\',
    '"',
    '\r',
    '\u2028',
    'ä',
    'a',
    '0',
    '00000001',
    ' (deleted)',
  );
  const name = fc.oneof(
    fc.string({ unit: piece, minLength: 1 }).filter(isName),
    // Each fits into 31 bytes.
    fc.constantFrom('\n\tAttached Devices:\n\tx', 'Total 9 objects, 9 bytes\n', '\nTotal 0 devices attached\n\n'),
  );
  const buffer = fc.record(
    {
      inode: fc.nat(2 ** 31 - 1),
      size: fc.integer({ min: 0, max: 2 ** 45 }),
      exporter: fc.constantFrom('system', 'default_cma_region', 'udmabuf', 'drm', 'a:b c'),
      name: fc.option(name, { nil: undefined }),
      references: fc.nat(1e9),
      devices: fc.array(fc.constantFrom('vivid.0', 'fd4a0000.gpu', '0000:00:02.0')),
    },
    { noNullPrototype: true },
  );
  const fences = fc.subarray(['\tkernel fence: a b seq 1 signalled\n', '\tShared fence: c d unsignalled\n']);
  fc.assert(
    fc.property(fc.array(buffer), fences, (buffers, described) => {
      assert.deepEqual(parseBufinfo(formatBufinfo(buffers, described.join(''))), buffers);
    }),
  );
});

function isName(text: string): boolean {
  return Buffer.byteLength(text) <= 31;
}

/** `dma_buf_debug_show`, told again. */
function formatBufinfo(buffers: readonly KernelBuffer[], fences: string): string {
  const rows = buffers.map(({ inode, size, exporter, name = '<none>', references = 0, devices = [] }) => {
    const numbers = [String(size).padStart(8, '0'), '00000002', '00080007', String(references).padStart(8, '0')];
    const columns = [...numbers, exporter, String(inode).padStart(8, '0'), name].join('\t');
    const attached = devices.map((device) => `\t${device}\n`).join('');
    return `${columns}\n${fences}\tAttached Devices:\n${attached}Total ${devices.length} devices attached\n\n`;
  });
  const bytes = buffers.reduce((sum, { size }) => sum + size, 0);
  return `${HEADER}${rows.join('')}\nTotal ${buffers.length} objects, ${bytes} bytes\n`;
}
