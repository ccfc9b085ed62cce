/** The parsing of the words after `npm run vm`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseArguments } from '../../vm/arguments.ts';

test('parseArguments() takes options up to the first other word, and leaves the command as it is', () => {
  const parsed = parseArguments([
    '--arch',
    'arm64-16k',
    '--cpu',
    'qemu64',
    '--memory',
    '2G',
    'ls',
    '--arch',
    '-l',
    '--',
  ]);
  assert.equal(parsed.architecture.guestName, 'arm64-16k');
  assert.equal(parsed.cpu, 'qemu64');
  assert.equal(parsed.memoryMiB, 2048);
  assert.deepEqual(parsed.command, ['ls', '--arch', '-l', '--']);
});

test('parseArguments() without options is a shell in the x86_64 guest, with 6 GiB, for an hour', () => {
  const { architecture, cpu, memoryMiB, timeoutSeconds, command, isHelp } = parseArguments([]);
  assert.deepEqual(
    [architecture.guestName, cpu, memoryMiB, timeoutSeconds, command, isHelp],
    ['x86_64', undefined, 6144, 3600, [], false],
  );
});

test('parseArguments() takes "--" for the end of the options', () => {
  assert.deepEqual(parseArguments(['--', '--help']).command, ['--help']);
  assert.equal(parseArguments(['--', '--help']).isHelp, false);
  assert.equal(parseArguments(['--help', 'ls']).isHelp, true);
});

test('parseArguments() takes a port to forward, and refuses what is none', () => {
  assert.equal(parseArguments(['--forward', '7347', 'true']).forwardedPort, 7347);
  assert.equal(parseArguments(['true']).forwardedPort, undefined);
  for (const port of ['0', '65536', '-1', 'http', '080'])
    assert.throws(() => parseArguments([`--forward=${port}`, 'true']), /must be a port from 1 to 65535/u);
});

test('parseArguments() collects devices and files', () => {
  const parsed = parseArguments([
    '--device',
    'cirrus-vga',
    '--file',
    'peer=/bin/peer',
    '--device',
    'virtio-gpu-pci',
    'true',
  ]);
  assert.deepEqual(parsed.devices, ['cirrus-vga', 'virtio-gpu-pci']);
  assert.deepEqual(parsed.files, [{ source: 'peer', path: '/bin/peer' }]);
});

test('parseArguments() reads sizes in MiB and GiB, and times in seconds', () => {
  assert.equal(parseArguments(['--memory', '512M', 'true']).memoryMiB, 512);
  assert.equal(parseArguments(['--memory', '3GiB', 'true']).memoryMiB, 3072);
  assert.equal(parseArguments(['--timeout', '90', 'true']).timeoutSeconds, 90);
});

test('parseArguments() refuses unknown options, and names it', () => {
  assert.throws(() => parseArguments(['--mem', '2G']), { name: 'UsageError', message: /--mem\b/u });
  assert.throws(() => parseArguments(['--arch', 'riscv64']), { name: 'UsageError', message: /riscv64.*x86_64/u });
  assert.throws(() => parseArguments(['--memory', '2000']), { name: 'UsageError', message: /--memory.*2000/u });
  assert.throws(() => parseArguments(['--memory', '0G']), { name: 'UsageError', message: /--memory.*0G/u });
  assert.throws(() => parseArguments(['--timeout', '1.5']), { name: 'UsageError', message: /--timeout.*1\.5/u });
  assert.throws(() => parseArguments(['--file', 'peer=/tmp/peer']), /mounts over .*\/tmp/u);
  assert.throws(() => parseArguments(['--file', 'peer=bin/peer']), {
    name: 'UsageError',
    message: /--file.*bin\/peer/u,
  });
  assert.throws(() => parseArguments(['--cpu']), { name: 'UsageError', message: /--cpu/u });
});

test('parseArguments() prefers --accel to the environment, and chooses automatically without either', () => {
  const environment = { DMABUF_VM_ACCEL: 'tcg' };
  assert.equal(parseArguments(['true'], {}).accelerator, undefined);
  assert.equal(parseArguments(['true'], { DMABUF_VM_ACCEL: '' }).accelerator, undefined);
  assert.equal(parseArguments(['true'], environment).accelerator, 'tcg');
  assert.equal(parseArguments(['--accel', 'kvm', 'true'], environment).accelerator, 'kvm');
  assert.throws(() => parseArguments(['--accel', 'xen', 'true'], {}), { name: 'UsageError', message: /--accel.*xen/u });
  assert.throws(() => parseArguments(['true'], { DMABUF_VM_ACCEL: 'hvf' }), /DMABUF_VM_ACCEL.*hvf/u);
});

test('parseArguments() takes --icount for TCG, regardless of the environment, and refuses it with KVM', () => {
  const parsed = parseArguments(['--icount', 'true'], { DMABUF_VM_ACCEL: 'kvm' });
  assert.deepEqual([parsed.icount, parsed.accelerator, parsed.command], [true, 'tcg', ['true']]);
  assert.deepEqual([parseArguments(['true'], {}).icount, parseArguments(['true'], {}).accelerator], [false, undefined]);
  assert.throws(() => parseArguments(['--icount', '--accel', 'kvm', 'true']), /only TCG counts instructions/u);
});
