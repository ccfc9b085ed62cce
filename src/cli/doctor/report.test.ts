import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { MachineReport } from '../../machine/doctor/examine-machine.ts';
import type { Finding } from '../../machine/doctor/finding.ts';
import { formatDoctorReport } from './report.ts';

const PLAIN = { bold: (text: string) => text, dim: (text: string) => text, columns: 80 };
const LONG_COMMAND = `echo '${'word '.repeat(30)}' | sudo tee /etc/udev/rules.d/60-dmabuf-system.rules`;

const OK: Finding = { id: 'udmabuf', topic: 'udmabuf', status: 'ok', found: 'it is open', matters: 'nothing to fix' };
const PROBLEM: Finding = {
  id: 'heap:system',
  topic: 'heaps',
  status: 'problem',
  found: `it is refused ${'again and '.repeat(10)}again`,
  matters: 'nothing can be allocated',
  remedy: { commands: [LONG_COMMAND, 'sudo usermod -aG video alice'], note: 'log in again' },
};

function report(findings: readonly Finding[], changes: Partial<MachineReport['choice']> = {}): MachineReport {
  return {
    findings,
    choice: { name: 'system', backend: 'embedded', reason: 'pages of a memfd', passedOver: [], ...changes },
    machine: {
      kernelRelease: '6.12.90',
      architecture: 'arm64',
      pageSizeBytes: 16_384,
      userId: 0,
      userName: 'root',
      groups: ['root'],
      container: null,
    },
  };
}

test('formatDoctorReport() begins with the opened heap, and the reasons against better ones', () => {
  const passedOver = [
    { backend: 'kernel', name: 'system', available: false, reason: 'there is no /dev/dma_heap' },
  ] as const;
  assert.deepEqual(formatDoctorReport(report([], { passedOver }), PLAIN), [
    'Linux 6.12.90 on arm64, pages of 16384 bytes',
    "openHeap('system') takes embedded: pages of a memfd",
    '  not kernel: there is no /dev/dma_heap',
    '',
    '0 problems, 0 warnings, 0 notes',
  ]);
});

test('formatDoctorReport() says that no heap can be opened', () => {
  const [, line] = formatDoctorReport(report([], { backend: undefined, reason: 'none can' }), PLAIN);
  assert.equal(line, "openHeap('system') fails: none can");
});

test('formatDoctorReport() puts findings under their topics, with the consequence unless it is ok', () => {
  const lines = formatDoctorReport(report([OK, { ...PROBLEM, found: 'it is refused' }]), PLAIN);
  assert.deepEqual(lines.slice(3), [
    'Heaps of the kernel',
    '  problem  it is refused',
    '           why: nothing can be allocated',
    '           remedy:',
    `             ${LONG_COMMAND}`,
    '             sudo usermod -aG video alice',
    '           log in again',
    '',
    'udmabuf',
    '  ok       it is open',
    '',
    '1 problem, 0 warnings, 0 notes',
  ]);
});

test('formatDoctorReport() wraps its own text at 80 columns, but no command', () => {
  const lines = formatDoctorReport(report([PROBLEM]), PLAIN);
  assert.ok(lines.length > 10);
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [`             ${LONG_COMMAND}`],
  );
});

test('formatDoctorReport() puts a remedy without a command on the same line', () => {
  const finding: Finding = { ...PROBLEM, found: 'x', remedy: { commands: [], note: 'boot another kernel' } };
  assert.ok(formatDoctorReport(report([finding]), PLAIN).includes('           remedy: boot another kernel'));
});

test('formatDoctorReport() emphasizes headings and problems, and dims the rest', () => {
  const style = { bold: (text: string) => `<b>${text}</b>`, dim: (text: string) => `<d>${text}</d>`, columns: 80 };
  const lines = formatDoctorReport(
    report([OK, { ...PROBLEM, found: 'x', status: 'note' }, { ...PROBLEM, found: 'y' }]),
    style,
  );
  assert.ok(lines.includes('<b>udmabuf</b>'));
  assert.ok(lines.includes('<d>  ok       </d>it is open'));
  assert.ok(lines.includes('  note     x'));
  assert.ok(lines.includes('<b>  problem  </b>y'));
});
