/** The command line of the emulator. */

import type { Architecture } from './architectures.ts';
import { CHANNELS } from './init-script.ts';

/**
 * KVM, which executes the guest's instructions on this machine's processor, or qemu's translator.
 */
export type Accelerator = 'kvm' | 'tcg';

/** The properties of a guest's machine. */
export interface Machine {
  readonly architecture: Architecture;
  readonly accelerator: Accelerator;
  /** A name from the emulator's `-cpu help`; undefined for the architecture's default. */
  readonly cpu?: string | undefined;
  readonly memoryMiB: number;
  /**
   * Whether the machine's clock counts instructions, {@link INSTRUCTION_NS} each. It has one
   * processor then, and takes TCG.
   */
  readonly icount?: boolean | undefined;
  /** A TCP port of this machine's loopback that leads to the same port of the guest's. */
  readonly forwardedPort?: number | undefined;
  /** Further devices, as `-device` takes them: `cirrus-vga`. */
  readonly devices?: readonly string[];
}

/**
 * How many nanoseconds of its clock a guest's instruction takes, if the clock counts instructions:
 * qemu has powers of two (`shift=1`).
 */
export const INSTRUCTION_NS = 2;

/** The emulator's descriptors: one file, and one connected socket per channel. */
export interface EmulatorDescriptors {
  readonly archive: number;
  readonly control: number;
  readonly stdout: number;
  readonly stderr: number;
  readonly terminal: number;
  /** Programs in the guest ask for what a screen shows (vm/screen-dumps.ts). */
  readonly screens: number;
  /** Where the emulator itself takes commands. */
  readonly monitor: number;
}

/**
 * Program and arguments. The emulator dies with the process that starts it, whichever way that
 * ends.
 */
export function emulatorCommand(machine: Machine, kernelPath: string, descriptors: EmulatorDescriptors): string[] {
  const { architecture, accelerator, memoryMiB, icount = false, forwardedPort, devices = [] } = machine;
  const model = accelerator === 'kvm' ? architecture.kvm : architecture;
  const options = [
    ['-machine', model.machine],
    ['-accel', acceleratorProperties(accelerator, icount)],
    ['-cpu', machine.cpu ?? model.cpu],
    // The instructions of a second processor would count as well.
    ['-smp', icount ? '1' : '2'],
    // An idle processor does not wait: the clock jumps to the next timer.
    ...(icount ? [['-icount', `shift=${Math.log2(INSTRUCTION_NS)},sleep=off`]] : []),
    ['-m', `${memoryMiB}M`],
    ['-display', 'none'],
    ['-kernel', kernelPath],
    ['-initrd', `/proc/self/fd/${descriptors.archive}`],
    // A panic restarts the machine at once, which with -no-reboot ends the emulator.
    ['-append', ['quiet panic=-1 mitigations=off', ...architecture.kernelOptions].join(' ')],
    ['-serial', 'stdio'],
    ['-device', 'virtio-serial-pci'],
    ...channelOptions(descriptors),
    ...(forwardedPort === undefined ? [] : forwardOptions(forwardedPort)),
    ...devices.map((device) => ['-device', device]),
  ];
  const start = ['setpriv', '--pdeathsig', 'KILL', architecture.emulator];
  return [...start, '-nodefaults', '-no-user-config', '-no-reboot', ...options.flat()];
}

function acceleratorProperties(accelerator: Accelerator, icount: boolean): string {
  if (accelerator === 'kvm') return 'kvm';
  return `tcg,thread=${icount ? 'single' : 'multi'}`;
}

/**
 * A network of this machine and the guest, which reaches nothing else. Its packets go to the
 * guest's loopback address, which lets them in (vm/init-script.ts).
 */
function forwardOptions(port: number): string[][] {
  return [
    ['-netdev', `user,id=forward,restrict=on,hostfwd=tcp:127.0.0.1:${port}-127.0.0.1:${port}`],
    ['-device', `virtio-net-pci,netdev=forward`],
  ];
}

function channelOptions(descriptors: EmulatorDescriptors): string[][] {
  const names = Object.values(CHANNELS);
  return [
    ...[...names, 'terminal' as const, 'monitor' as const].map((name) => [
      '-chardev',
      `socket,id=${name},fd=${descriptors[name]}`,
    ]),
    ...names.map((name) => ['-device', `virtserialport,chardev=${name},name=${name}`]),
    ['-device', 'virtconsole,chardev=terminal,name=terminal'],
    ['-mon', 'chardev=monitor,mode=control'],
  ];
}
