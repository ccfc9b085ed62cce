import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readTraceFixture, readTraceText } from '../../../../test/support/traces/read-text.ts';

const APUSYS = '8fb33cbce3b858d651b9da26fc370090a67cfb70';

function pathsOf(text: string): string[] {
  return readTraceText(text).mappings.map(({ path }) => path.join(' < '));
}

test('KernelLogImporter reads the three call traces of the mail, whose build ids are on lines of their own', () => {
  const { mappings, summary } = readTraceText(readTraceFixture('mail-call-traces.txt'));
  assert.deepEqual(mappings[0], {
    kind: 'mapping',
    form: 'kernel-log',
    line: 3,
    time: 6.689859,
    path: ['dma_buf_vmap_unlocked', 'aov_core_init', 'mtk_aov_probe'],
    inside: ['system_heap_vmap'],
    modules: [
      { name: 'system_heap', buildId: '8d35d4ce35bb30d8a623f0b9863998a2528e4175', functions: ['system_heap_vmap'] },
      {
        name: 'mtk_aov',
        buildId: '96e2e5e9457dcdacce3a7629b0600c5dbeca623b',
        functions: ['aov_core_init', 'mtk_aov_probe'],
      },
    ],
  });
  assert.deepEqual(mappings[1]?.path, [
    'dma_buf_vmap_unlocked',
    'mtk_cam_vb2_vaddr',
    'vb2_plane_vaddr',
    'mtk_cam_job_fill_ipi_frame',
  ]);
  assert.deepEqual(mappings[1]?.inside, ['__vmap_pages_range_noflush', 'vmap', 'system_heap_vmap']);
  assert.equal(mappings[1]?.time, 116.181651);
  assert.deepEqual(mappings[2]?.path, [
    'dma_buf_vmap_unlocked',
    'apu_sysmem_alloc',
    'mdw_mem_alloc',
    'mdw_mem_pool_chunk_add',
    'mdw_mem_pool_create',
    'mdw_drv_open',
  ]);
  assert.deepEqual(mappings[2]?.modules?.at(-1), {
    name: 'apusys',
    buildId: APUSYS,
    functions: ['apu_sysmem_alloc', 'mdw_mem_alloc', 'mdw_mem_pool_chunk_add', 'mdw_mem_pool_create', 'mdw_drv_open'],
  });
  assert.deepEqual(summary, {
    kind: 'summary',
    mappings: 3,
    unmappings: 0,
    unreadableLines: [],
    lostEvents: 0,
    timeSpanSeconds: 109.616984,
  });
});

/** The mail's first trace, through what logs pass through. */
const PASSAGES: readonly (readonly [string, (line: string, index: number) => string])[] = [
  ['as it is', (line) => line],
  ['with CR LF', (line) => `${line}\r`],
  ['in colours', (line) => `\u001B[32m${line}\u001B[0m`],
  ['quoted twice', (line) => `> > ${line}`],
  ['escaped for HTML', (line) => `${line.replaceAll('+', '&#43;')}<br>`],
  ['with a level', (line) => `<4>${line}`],
  ['with a caller', (line) => line.replace('] ', '][ T1234] ')],
  ['through syslog', (line) => `Nov 28 05:22:24 board kernel: ${line}`],
  ['through journalctl', (line) => line.replace('] ', '] board kernel: ')],
  ['through logcat', (line) => `11-28 05:22:24.123     0     0 I kernel  : ${line}`],
  ['from a MediaTek kernel', (line) => line.replace('] ', '] (2)[1234:camerahalserver]')],
  ['from a Samsung kernel', (line) => line.replace('] ', ']  [2:camerahalserver: 1234] ')],
  ['from /dev/kmsg', (line, index) => line.replace(/^\[ 6\.(\d+)\] /u, `4,${index},6$1,-,caller=T1234;`)],
  ['with other lines between', (line) => `${line}\n[ 6.689860] usb 1-1: new high-speed USB device number 2`],
  ['without times', (line) => line.replace(/^\[ 6\.\d+\]/u, '')],
];

for (const [name, pass] of PASSAGES) {
  test(`KernelLogImporter reads a call trace ${name}`, () => {
    const text = [
      '[ 6.689849] system_heap_vmap+0x17c/0x254 [system_heap 8d35d4ce35bb30d8a623f0b9863998a2528e4175]',
      '[ 6.689859] dma_buf_vmap_unlocked+0xb8/0x130',
      '[ 6.689861] aov_core_init+0x310/0x718 [mtk_aov 96e2e5e9457dcdacce3a7629b0600c5dbeca623b]',
    ];
    const { mappings, summary } = readTraceText(text.map(pass).join('\n'));
    assert.equal(mappings.length, 1);
    assert.deepEqual(mappings[0]?.path, ['dma_buf_vmap_unlocked', 'aov_core_init']);
    assert.deepEqual(mappings[0].inside, ['system_heap_vmap']);
    assert.equal(mappings[0].modules?.[1]?.buildId, '96e2e5e9457dcdacce3a7629b0600c5dbeca623b');
    assert.equal(mappings[0].time, name === 'without times' ? undefined : 6.689859);
    assert.deepEqual(summary.unreadableLines, []);
  });
}

test('KernelLogImporter undoes the soft line breaks of quoted-printable', () => {
  const text = [
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '[ 6.689859] dma_buf_vmap_unlocked+0xb8/0x130',
    '[ 6.689861] aov_core_init+0x310/0x718 [mtk_aov 96e2e5e9457dcdacce3a7629b06=',
    '00c5dbeca623b]',
    '[ 6.689873] =6Dtk_aov_probe+0x434/0x5b4',
  ];
  const { mappings, summary } = readTraceText(text.join('\n'));
  assert.deepEqual(mappings[0]?.path, ['dma_buf_vmap_unlocked', 'aov_core_init', 'mtk_aov_probe']);
  assert.equal(mappings[0].modules?.[0]?.buildId, '96e2e5e9457dcdacce3a7629b0600c5dbeca623b');
  assert.deepEqual(summary.unreadableLines, []);
});

const X86_WARNING = `[   12.345601] ------------[ cut here ]------------
[   12.345610] WARNING: CPU: 1 PID: 178 at mm/vmalloc.c:2885 vmap+0x12/0x90
[   12.345620] Modules linked in: npu_drv(OE) vivid videobuf2_vmalloc
[   12.345630] CPU: 1 UID: 0 PID: 178 Comm: rec Tainted: G           OE      6.12.117 #1
[   12.345640] Hardware name: QEMU Standard PC
[   12.345650] RIP: 0010:vmap+0x12/0x90
[   12.345660] Code: 0f 1f 44 00 00 55
[   12.345670] RAX: 0000000000000000 RBX: ffff888100000000 RCX: 0000000000000000
[   12.345680] Call Trace:
[   12.345690]  <IRQ>
[   12.345700]  dump_stack_lvl+0x5d/0x80
[   12.345710]  </IRQ>
[   12.345720]  <TASK>
[   12.345730]  ? __warn.cold+0x93/0xf6
[   12.345740]  system_heap_vmap+0x17c/0x254
[   12.345750]  dma_buf_vmap+0x71/0xf0
[   12.345760]  dma_buf_vmap_unlocked+0x3b/0x60
[   12.345770]  npu_map.isra.0+0x3b/0x60 [npu_drv]
[   12.345780]  ? srso_alias_return_thunk+0x5/0xfbef5
[   12.345790]  entry_SYSCALL_64_after_hwframe+0x76/0x7e
[   12.345800]  </TASK>
[   12.345810] ---[ end trace 0000000000000000 ]---
`;

test('KernelLogImporter tells task, processor, unreliable frames and modules built out of tree', () => {
  const { mappings } = readTraceText(X86_WARNING);
  assert.deepEqual(mappings, [
    {
      kind: 'mapping',
      form: 'kernel-log',
      line: 16,
      time: 12.34575,
      cpu: 1,
      task: { comm: 'rec', pid: 178 },
      path: ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'npu_map', 'entry_SYSCALL_64_after_hwframe'],
      inside: ['system_heap_vmap'],
      unreliable: ['__warn', 'srso_alias_return_thunk'],
      modules: [{ name: 'npu_drv', functions: ['npu_map'], isOutOfTree: true }],
      marks: ['interrupted'],
    },
  ]);
});

test('KernelLogImporter reads what decode_stacktrace.sh and others make of frames', () => {
  const decoded = `Call trace:
 system_heap_vmap (drivers/dma-buf/heaps/system_heap.c:250 (discriminator 3)) system_heap
 dma_buf_vmap (drivers/dma-buf/dma-buf.c:1500)
 dma_buf_vmap_unlocked+0xb8/0x130 drivers/dma-buf/dma-buf.c:1530
 camera_map drivers/camera/map.c:12 [inline]
 ? camera_old (??:?)
 camera_queue+0x10/0x20 drivers/camera/queue.c:7 [camera]
`;
  const { mappings, summary } = readTraceText(decoded);
  assert.deepEqual(mappings[0]?.path, ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'camera_map', 'camera_queue']);
  assert.deepEqual(mappings[0].inside, ['system_heap_vmap']);
  assert.deepEqual(mappings[0].unreliable, ['camera_old']);
  assert.deepEqual(mappings[0].modules, [
    { name: 'system_heap', functions: ['system_heap_vmap'] },
    { name: 'camera', functions: ['camera_queue'] },
  ]);
  assert.deepEqual(summary.unreadableLines, []);
});

test('KernelLogImporter reads both forms of 32-bit Arm, in which each line names the caller', () => {
  const older = `[   1.000001] [<c010f2a8>] (unwind_backtrace) from [<c010b5a4>] (show_stack+0x10/0x14)
[   1.000002] [<c010b5a4>] (show_stack) from [<c0500000>] (dma_buf_vmap+0x10/0x14)
[   1.000003] [<c0500000>] (dma_buf_vmap) from [<bf000000>] (cam_map+0x10/0x14 [cam])
`;
  const newer = `[   1.000001]  unwind_backtrace from show_stack+0x10/0x14
[   1.000002]  show_stack from dma_buf_vmap+0x10/0x14
[   1.000003]  dma_buf_vmap from cam_map+0x10/0x14 [cam]
`;
  for (const text of [older, newer]) {
    const { mappings } = readTraceText(text);
    assert.deepEqual(mappings[0]?.path, ['dma_buf_vmap', 'cam_map']);
    assert.deepEqual(mappings[0].inside, ['unwind_backtrace', 'show_stack']);
    assert.deepEqual(mappings[0].modules, [{ name: 'cam', functions: ['cam_map'] }]);
  }
});

const FIRST = ['Call trace:', ' dma_buf_vmap+0x1/0x2', ' first_a+0x1/0x2', ' first_b+0x1/0x2'];
const SECOND = ['Call trace:', ' dma_buf_vmap+0x1/0x2', ' second_a+0x1/0x2', ' second_b+0x1/0x2'];

/** Lines of two reports, one of each in turn. */
function interleave(prefix: (report: number, line: number) => string): string {
  const pairs = FIRST.flatMap((line, index) => [
    `${prefix(1, index)}${line}`,
    `${prefix(2, index)}${SECOND[index] ?? ''}`,
  ]);
  return `${pairs.join('\n')}\n`;
}

test('KernelLogImporter tells call traces apart by their callers', () => {
  const text = interleave((report, line) => `[    1.00000${line}][ T${report}]`);
  assert.deepEqual(pathsOf(text), ['dma_buf_vmap < first_a < first_b', 'dma_buf_vmap < second_a < second_b']);
  assert.deepEqual(
    readTraceText(text).mappings.map(({ task }) => task?.pid),
    [1, 2],
  );
});

test('KernelLogImporter joins no callers where nothing tells interleaved call traces apart', () => {
  const text = interleave((_, line) => `[    1.00000${line}]`);
  const { mappings } = readTraceText(text);
  assert.deepEqual(
    mappings.map(({ path, marks }) => [path, marks]),
    [
      [['dma_buf_vmap'], ['interleaved']],
      [['dma_buf_vmap'], ['interleaved']],
    ],
  );
});

test('KernelLogImporter finds out reports that overlap by their headings', () => {
  const headings = [
    '[    1.000000] CPU: 0 PID: 10 Comm: first Not tainted 6.12',
    '[    1.000001] CPU: 1 PID: 11 Comm: second Not tainted 6.12',
  ];
  const text = [...headings, ...FIRST.map((line, index) => `[    1.00001${index}]${line}`), ''].join('\n');
  assert.deepEqual(
    readTraceText(text).mappings.map(({ path, marks }) => [path, marks]),
    [[['dma_buf_vmap'], ['interleaved']]],
  );
});

test('KernelLogImporter keeps reports apart that follow each other', () => {
  const one = (pid: number, frames: readonly string[]): string[] => [
    `[    1.00000${pid}] CPU: 0 PID: ${pid} Comm: task${pid} Not tainted 6.12`,
    ...frames.map((frame, index) => `[    1.0000${pid}${index}]${frame}`),
    `[    1.0000${pid}8] ret_from_fork+0x1/0x2`,
  ];
  const text = [...one(1, FIRST), ...one(2, SECOND)].join('\n');
  assert.deepEqual(pathsOf(text), [
    'dma_buf_vmap < first_a < first_b < ret_from_fork',
    'dma_buf_vmap < second_a < second_b < ret_from_fork',
  ]);
});

test('KernelLogImporter counts lines that stand where a frame should and cannot be read', () => {
  const text = `[    1.000001] Call trace:
[    1.000002]  dma_buf_vmap+0x1/0x2
[    1.000003]  first_a+0xZZ/0x2
[    1.000004]  first_b+0x1/0x2
`;
  const { mappings, summary } = readTraceText(text);
  assert.deepEqual(mappings[0]?.path, ['dma_buf_vmap', 'first_b']);
  assert.deepEqual(summary.unreadableLines, [{ line: 3 }]);
});

test('KernelLogImporter takes no mapping from frames that the unwinder does not vouch for', () => {
  assert.deepEqual(pathsOf('Call Trace:\n ? dma_buf_vmap+0x1/0x2\n foo+0x1/0x2\n'), []);
});
