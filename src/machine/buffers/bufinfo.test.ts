import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { parseBufinfo } from './bufinfo.ts';
import type { KernelBuffer } from './kernel-buffer.ts';

const HEADER = '\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n';

test('parseBufinfo reads the text of Linux 6.12', () => {
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

test('parseBufinfo reads rows without a name, as Linux 5.3 was meant to write them', () => {
  const header = HEADER.replace('\tname', '');
  const row =
    '00004096\t00000002\t00080007\t00000002\tion\t00000005\n\tAttached Devices:\nTotal 0 devices attached\n\n';
  assert.deepEqual(parseBufinfo(`${header}${row}\nTotal 1 objects, 4096 bytes\n`), [
    { inode: 5, size: 4096, exporter: 'ion', name: undefined, references: 2, devices: [] },
  ]);
});

test('parseBufinfo reads the text of Linux 3.10 to 3.13 (dma_buf_describe, drivers/base/dma-buf.c)', () => {
  const text = [
    '',
    'Dma-buf Objects:',
    '\texp_name\tsize\tflags\tmode\tcount',
    '\t\tdrm\t08294400\t00000002\t00000007\t00000003',
    '\t\tAttached Devices:',
    '\t\texynos-drm',
    '\t\t11c00000.fimd',
    '',
    '\t\tTotal 2 devices attached',
    '\t\tvb2\t00614400\t00000002\t00000007\t00000001',
    '\t\tAttached Devices:',
    '',
    '\t\tTotal 0 devices attached',
    '',
    'Total 2 objects, 8908800 bytes',
    '',
  ].join('\n');
  assert.deepEqual(parseBufinfo(text), [
    {
      inode: undefined,
      size: 8_294_400,
      exporter: 'drm',
      name: undefined,
      references: 3,
      devices: ['exynos-drm', '11c00000.fimd'],
    },
    { inode: undefined, size: 614_400, exporter: 'vb2', name: undefined, references: 1, devices: [] },
  ]);
});

/** `dma_buf_debug_show` of Linux 3.14 to 5.2; the heading is padded since 4.12. */
function formatBefore53(heading: string, rows: readonly string[]): string {
  const described = rows.map(
    (row) =>
      `${row}\n\tExclusive fence: etnaviv 134000.gpu signalled\n\tAttached Devices:\n\tivi:0\nTotal 1 devices attached\n\n`,
  );
  return `\nDma-buf Objects:\n${heading}\n${described.join('')}\nTotal ${rows.length} objects, 12288 bytes\n`;
}

test('parseBufinfo reads the text of Linux 3.14 to 5.2 (dma_buf_debug_show), without inodes and names', () => {
  const rows = [
    '00008192\t00000002\t00000007\t00000004\tdrm',
    '00004096\t00080002\t00000007\t00000001\tvideobuf2_dma_contig',
  ];
  const common = { inode: undefined, name: undefined, devices: ['ivi:0'] };
  const expected = [
    { ...common, size: 8192, exporter: 'drm', references: 4 },
    { ...common, size: 4096, exporter: 'videobuf2_dma_contig', references: 1 },
  ];
  assert.deepEqual(parseBufinfo(formatBefore53('size\tflags\tmode\tcount\texp_name', rows)), expected);
  const padded = 'size    \tflags   \tmode    \tcount   \texp_name';
  assert.deepEqual(parseBufinfo(formatBefore53(padded, rows)), expected);
  assert.deepEqual(parseBufinfo(formatBefore53(padded, [])), []);
});

test("parseBufinfo reads names without inodes, as vendors' kernels of 4.19 write them", () => {
  // dma_buf_debug_show of vivo-dma-buf-debugfs.c: %-12s for the exporter, %-s for a name that may
  // be NULL.
  const heading = 'size    \tflags   \tmode    \tcount   \texp_name    \tbuf name';
  const rows = [
    '00008192\t00000002\t00000007\t00000004\tion         \tsystem-5',
    '00004096\t00080002\t00000007\t00000001\tdrm         \t(null)',
  ];
  assert.deepEqual(
    parseBufinfo(formatBefore53(heading, rows))?.map(({ inode, exporter, name }) => [inode, exporter, name]),
    [
      [undefined, 'ion', 'system-5'],
      [undefined, 'drm', undefined],
    ],
  );
});

test('parseBufinfo reads the names of Linux 5.3 to 5.18, which their heading does not announce', () => {
  const header = HEADER.replace('\tname', '');
  const rows = ['frame', ''].map(
    (name, index) =>
      `00004096\t00000002\t00080007\t00000002\tion\t0000000${index + 5}\t${name}\n\tAttached Devices:\nTotal 0 devices attached\n\n`,
  );
  assert.deepEqual(
    parseBufinfo(`${header}${rows.join('')}\nTotal 2 objects, 8192 bytes\n`)?.map(({ inode, name }) => [inode, name]),
    [
      [5, 'frame'],
      [6, undefined],
    ],
  );
});

test('parseBufinfo follows the heading: columns may be missing, new, or in another place', () => {
  const heading = 'ino     \tsize    \tflags   \tcount   \tpid     \texp_name\tname';
  const row = '00000007\t00004096\t00000002\t00000003\t1234    \tsystem\tframe 1';
  const text = `\nDma-buf Objects:\n${heading}\n${row}\n\tAttached Devices:\nTotal 0 devices attached\n\n\nTotal 1 objects, 4096 bytes\n`;
  assert.deepEqual(parseBufinfo(text), [
    { inode: 7, size: 4096, exporter: 'system', name: 'frame 1', references: 3, devices: [] },
  ]);
});

test('parseBufinfo does not mistake another format, or an incomplete text, for an empty list', () => {
  const rows = ['00004096\t00000002\t00000007\t00000001\tdrm'];
  const whole = formatBefore53('size\tflags\tmode\tcount\texp_name', rows);
  for (const text of [
    '',
    HEADER,
    `${HEADER}\nTotal 1 objects, 4096 bytes\n`,
    '\nDma-buf Objects:\nbuffers\tbytes\n3\t4096\n\nTotal 1 objects, 4096 bytes\n',
    whole.slice(0, whole.indexOf('\nTotal 1 objects')),
    whole.slice(whole.indexOf('00004096')),
  ])
    assert.equal(parseBufinfo(text), undefined, text);
});

test('parseBufinfo reads back every list that the kernel may write, with any names', () => {
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
    // Each fits 31 bytes.
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

/** `dma_buf_debug_show`, written again here. */
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
