/** The emulator's command line, and its end. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

import { ARCHITECTURES } from '../../vm/architectures.ts';
import type { GuestName } from '../../vm/architectures.ts';
import { causeOfEnd } from '../../vm/emulator-end.ts';
import type { EmulatorLimits } from '../../vm/emulator-end.ts';
import { emulatorCommand } from '../../vm/emulator.ts';
import type { Machine } from '../../vm/emulator.ts';

const DESCRIPTORS = { archive: 3, control: 4, stdout: 5, stderr: 6, terminal: 7, screens: 8, monitor: 9 };

function commandOf(guest: GuestName, machine: Partial<Machine> = {}): string[] {
  const whole: Machine = { architecture: ARCHITECTURES[guest], accelerator: 'tcg', memoryMiB: 512, ...machine };
  return emulatorCommand(whole, '/boot/vmlinuz', DESCRIPTORS);
}

function optionOf(command: readonly string[], name: string): string | undefined {
  return command[command.indexOf(name) + 1];
}

test('the kernel of an x86 guest does not check its timer, with any accelerator', () => {
  for (const accelerator of ['kvm', 'tcg'] as const) {
    const words = optionOf(commandOf('x86_64', { accelerator }), '-append')?.split(' ') ?? [];
    assert.deepEqual(words.toSorted(), ['console=ttyS0', 'mitigations=off', 'no_timer_check', 'panic=-1', 'quiet']);
  }
  const words = optionOf(commandOf('arm64'), '-append')?.split(' ') ?? [];
  assert.deepEqual(words.toSorted(), ['console=ttyAMA0', 'mitigations=off', 'panic=-1', 'quiet']);
});

test('KVM takes a processor that this machine has, TCG the one that the architecture names', () => {
  const models = (['x86_64', 'arm64', 'arm64-16k'] as const).flatMap((guest) =>
    (['kvm', 'tcg'] as const).map((accelerator) => {
      const command = commandOf(guest, { accelerator });
      return [guest, optionOf(command, '-accel'), optionOf(command, '-machine'), optionOf(command, '-cpu')];
    }),
  );
  assert.deepEqual(models, [
    ['x86_64', 'kvm', 'pc', 'max'],
    ['x86_64', 'tcg,thread=multi', 'pc', 'max'],
    ['arm64', 'kvm', 'virt,gic-version=host', 'host'],
    ['arm64', 'tcg,thread=multi', 'virt', 'neoverse-n1'],
    ['arm64-16k', 'kvm', 'virt,gic-version=host', 'host'],
    ['arm64-16k', 'tcg,thread=multi', 'virt', 'neoverse-n1'],
  ]);
});

test('a processor that is named is the one that the emulator is given', () => {
  assert.equal(optionOf(commandOf('x86_64', { cpu: 'qemu64' }), '-cpu'), 'qemu64');
  assert.equal(optionOf(commandOf('x86_64', { cpu: 'qemu64', accelerator: 'kvm' }), '-cpu'), 'qemu64');
});

test('a guest that counts instructions has one processor, and a clock that no waiting stops', () => {
  const command = commandOf('x86_64', { icount: true });
  assert.deepEqual(
    ['-accel', '-smp', '-icount'].map((name) => optionOf(command, name)),
    ['tcg,thread=single', '1', 'shift=1,sleep=off'],
  );
  const usual = commandOf('x86_64');
  assert.equal(optionOf(usual, '-smp'), '2');
  assert.ok(!usual.includes('-icount'));
});

test('the emulator takes commands on a descriptor, and further devices by their names', () => {
  const command = commandOf('x86_64', { devices: ['cirrus-vga,id=cirrus', 'bochs-display'] });
  assert.ok(command.includes('socket,id=monitor,fd=9'));
  assert.equal(optionOf(command, '-mon'), 'chardev=monitor,mode=control');
  assert.deepEqual(command.slice(-4), ['-device', 'cirrus-vga,id=cirrus', '-device', 'bochs-display']);
});

test('a forwarded port is one of loopback on both sides, on a network that reaches nothing else', () => {
  const command = commandOf('x86_64', { forwardedPort: 7347 });
  assert.equal(optionOf(command, '-netdev'), 'user,id=forward,restrict=on,hostfwd=tcp:127.0.0.1:7347-127.0.0.1:7347');
  assert.ok(!commandOf('x86_64').includes('-netdev'));
});

/** Why a shell ends that stands for an emulator. */
async function causeFor(script: string, limits: Partial<EmulatorLimits> = {}): Promise<string> {
  const shell = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = shell.stdout.resume();
  return await causeOfEnd(shell, output, { timeoutSeconds: 60, ...limits });
}

test('causeOfEnd() tells an end of the guest, of the emulator, and by a signal apart', async () => {
  assert.equal(await causeFor('exit 0'), 'the guest panicked or switched itself off');
  assert.equal(await causeFor('exit 3'), 'the emulator ended with 3');
  assert.equal(await causeFor('kill -ABRT $$'), 'the emulator was ended by SIGABRT');
});

test('causeOfEnd() ends an emulator whose time is up, or that is interrupted', async () => {
  assert.equal(await causeFor('exec sleep 1000', { timeoutSeconds: 0.05 }), 'it takes longer than 0.05 s');
  assert.equal(await causeFor('exec sleep 1000', { signal: AbortSignal.abort() }), 'it was interrupted');
});

test('causeOfEnd() ends an emulator that is silent for too long, from its start or after a while', async () => {
  const limits = { silenceSecondsMax: 1 };
  assert.equal(await causeFor('exec sleep 1000', limits), 'it has written nothing for 1 s');
  assert.equal(await causeFor('echo begin; exec sleep 1000', limits), 'it has written nothing for 1 s');
});

test('causeOfEnd() leaves an emulator alone that writes now and then', async () => {
  const script = 'for time in 1 2 3 4 5 6 7 8; do echo $time; sleep 0.5; done; exit 7';
  assert.equal(await causeFor(script, { silenceSecondsMax: 3 }), 'the emulator ended with 7');
});
