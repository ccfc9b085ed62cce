/** The command line of the emulator. */

import type { Architecture } from './architectures.ts';
import { CHANNELS } from './init-script.ts';

/** What a guest's machine is like. */
export interface Machine {
  readonly architecture: Architecture;
  /** A name that `-cpu help` of the emulator lists; the architecture's own when undefined. */
  readonly cpu?: string | undefined;
  readonly memoryMiB: number;
  /** Further devices, as `-device` takes them: `cirrus-vga`. */
  readonly devices?: readonly string[];
}

/** What the emulator is given as descriptors: one file and one connected socket for each channel. */
export interface EmulatorDescriptors {
  readonly archive: number;
  readonly control: number;
  readonly stdout: number;
  readonly stderr: number;
  readonly terminal: number;
}

/** Program and arguments. The emulator dies with the process that starts it, however that ends. */
export function emulatorCommand(machine: Machine, kernelPath: string, descriptors: EmulatorDescriptors): string[] {
  const { architecture, cpu = architecture.cpu, memoryMiB, devices = [] } = machine;
  const options = [
    ['-machine', architecture.machine],
    // KVM may be there and hang.
    ['-accel', 'tcg,thread=multi'],
    ['-cpu', cpu],
    ['-smp', '2'],
    ['-m', `${memoryMiB}M`],
    ['-display', 'none'],
    ['-kernel', kernelPath],
    ['-initrd', `/proc/self/fd/${descriptors.archive}`],
    // A panic restarts the machine at once, which with -no-reboot is the emulator's end.
    ['-append', `console=${architecture.console} quiet panic=-1 mitigations=off`],
    ['-serial', 'stdio'],
    ['-device', 'virtio-serial-pci'],
    ...channelOptions(descriptors),
    ...devices.map((device) => ['-device', device]),
  ];
  const start = ['setpriv', '--pdeathsig', 'KILL', architecture.emulator];
  return [...start, '-nodefaults', '-no-user-config', '-no-reboot', ...options.flat()];
}

function channelOptions(descriptors: EmulatorDescriptors): string[][] {
  const names = Object.values(CHANNELS);
  return [
    ...[...names, 'terminal' as const].map((name) => ['-chardev', `socket,id=${name},fd=${descriptors[name]}`]),
    ...names.map((name) => ['-device', `virtserialport,chardev=${name},name=${name}`]),
    ['-device', 'virtconsole,chardev=terminal,name=terminal'],
  ];
}
