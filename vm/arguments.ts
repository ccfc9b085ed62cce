import { MiB, parseSize } from '../src/base/sizes.ts';
import type { CommandDescription } from '../src/cli/command-description.ts';
import { parseArguments as parseWords, UsageError } from '../src/cli/parse-arguments.ts';
import { ARCHITECTURES } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import { INSTRUCTION_NS } from './emulator.ts';
import type { Accelerator } from './emulator.ts';

/** The parsed command line. */
export interface GuestArguments {
  readonly isHelp: boolean;
  readonly architecture: Architecture;
  readonly cpu: string | undefined;
  /** Undefined: chosen automatically. */
  readonly accelerator: Accelerator | undefined;
  readonly memoryMiB: number;
  /** Whether the guest's clock counts instructions. */
  readonly icount: boolean;
  readonly timeoutSeconds: number;
  /** A TCP port of loopback, here and in the guest. */
  readonly forwardedPort: number | undefined;
  readonly devices: readonly string[];
  readonly files: readonly { readonly source: string; readonly path: string }[];
  /** Empty for an interactive shell. */
  readonly command: readonly string[];
}

/** Enough for the whole suite. The emulator takes only the memory that the guest touches. */
export const MEMORY_MIB = 6144;
const TIMEOUT_SECONDS = 3600;
const PORT_MAX = 0xffff;
/** An environment variable: the default of --accel. */
export const ACCELERATOR_VARIABLE = 'DMABUF_VM_ACCEL';
const ARCHITECTURE_NAMES = Object.values(ARCHITECTURES).map(({ guestName }) => guestName);

export const VM_DESCRIPTION = {
  invocation: 'npm run vm --',
  summary: 'runs a command in a Linux guest',
  paragraphs: [
    'Boots a Linux guest with the compiled package, runs COMMAND in its folder, and ends with its exit status. Without a ' +
      "command: an interactive shell. COMMAND is a program and its arguments; for shell syntax: sh -c '...'.",
  ],
  argument: { usage: '[COMMAND]...', forms: [], isCommandLine: true },
  options: {
    arch: {
      value: 'NAME',
      text: `${ARCHITECTURE_NAMES.join(', ')}; without it ${ARCHITECTURES.x86_64.guestName}. The last has pages of 16 KiB`,
      choices: ARCHITECTURE_NAMES.map((name) => ({ name })),
    },
    cpu: { value: 'NAME', text: "what the emulator's -cpu takes: qemu64 has no SIMD in WebAssembly" },
    accel: {
      value: 'NAME',
      text: `kvm or tcg; without it what $${ACCELERATOR_VARIABLE} names, else kvm where it works and no --cpu is named`,
    },
    icount: {
      text:
        `the guest's clock counts instructions, ${INSTRUCTION_NS} ns each: costs do not depend on the load of this machine; one ` +
        'processor, by TCG',
    },
    memory: { value: 'SIZE', text: `such as 2G or 512M; without it ${MEMORY_MIB / 1024}G` },
    timeout: {
      value: 'SECONDS',
      text: `how long boot and command may take together; without it ${TIMEOUT_SECONDS}`,
    },
    file: {
      value: 'FROM=TO',
      isRepeatable: true,
      text: 'a file of this machine to be in the guest, executable; may be given again',
    },
    forward: {
      value: 'PORT',
      text: "a TCP port of this machine's loopback that leads to the guest's: for dmabuf lab in the guest",
    },
    device: {
      value: 'NAME',
      isRepeatable: true,
      text: "what the emulator's -device takes, such as cirrus-vga; may be given again",
    },
  },
  exitStatus: "the command's; 125 when there is no guest for it",
} as const satisfies CommandDescription;

/** Options end at the first word that is not an option, or at `--`. */
export function parseArguments(words: readonly string[], environment: NodeJS.ProcessEnv = process.env): GuestArguments {
  const { options, isHelp, words: command } = parseWords(VM_DESCRIPTION, words);
  const { arch, cpu, accel, icount, memory, timeout, file, forward, device } = options;
  return {
    isHelp,
    icount,
    forwardedPort: forward === undefined ? undefined : toPort(forward),
    devices: device,
    files: file.map(toFile),
    architecture: toArchitecture(arch),
    cpu,
    accelerator: acceleratorFor(accel, icount, environment),
    memoryMiB: memory === undefined ? MEMORY_MIB : toMiB(memory),
    timeoutSeconds: timeout === undefined ? TIMEOUT_SECONDS : toSeconds(timeout),
    command,
  };
}

function toArchitecture(name: string | undefined): Architecture {
  return Object.values(ARCHITECTURES).find(({ guestName }) => guestName === name) ?? ARCHITECTURES.x86_64;
}

/** Only TCG counts instructions. */
function acceleratorFor(
  named: string | undefined,
  icount: boolean,
  environment: NodeJS.ProcessEnv,
): Accelerator | undefined {
  const accelerator = named === undefined ? undefined : toAccelerator(named, '--accel');
  if (!icount) return accelerator ?? wantedAccelerator(environment);
  if (accelerator === 'kvm')
    throw new UsageError(
      'Cannot boot a guest by KVM with --icount as only TCG counts instructions: leave one of the two out',
    );
  return 'tcg';
}

/** The settings from the environment. */
export function wantedAccelerator(environment: NodeJS.ProcessEnv = process.env): Accelerator | undefined {
  return toAccelerator(environment[ACCELERATOR_VARIABLE] || undefined, ACCELERATOR_VARIABLE);
}

function toAccelerator(name: string | undefined, source: string): Accelerator | undefined {
  if (name === undefined || name === 'kvm' || name === 'tcg') return name;
  throw new UsageError(`Cannot boot a guest as ${source} must be kvm or tcg: ${name}`);
}

function toMiB(text: string): number {
  const memoryMiB = sizeOf(text) / MiB;
  if (Number.isInteger(memoryMiB) && memoryMiB >= 1) return memoryMiB;
  throw new UsageError(`Cannot boot a guest as --memory must be whole MiB, such as 2G or 512M: ${text}`);
}

function sizeOf(text: string): number {
  try {
    return parseSize(text);
  } catch (cause) {
    throw new UsageError(`Cannot boot a guest by its --memory: ${(cause as Error).message}`, { cause });
  }
}

function toSeconds(text: string): number {
  if (/^[1-9]\d*$/u.test(text)) return Number(text);
  throw new UsageError(`Cannot boot a guest as --timeout must be a number of seconds: ${text}`);
}

function toPort(text: string): number {
  const port = /^[1-9]\d*$/u.test(text) ? Number(text) : Number.NaN;
  if (port <= PORT_MAX) return port;
  throw new UsageError(`Cannot boot a guest as --forward must be a port from 1 to ${PORT_MAX}: ${text}`);
}

/** The guest's mounts would hide files there. */
const MOUNTED_OVER = ['/dev', '/proc', '/sys', '/tmp'];

function toFile(text: string): { source: string; path: string } {
  const [source = '', path = ''] = text.split('=');
  if (MOUNTED_OVER.some((folder) => path.startsWith(`${folder}/`))) {
    const folders = MOUNTED_OVER.join(', ');
    throw new UsageError(
      `Cannot put a file into the guest as the guest mounts over ${folders}: ${path}; take another folder`,
    );
  }
  if (source !== '' && path.startsWith('/')) return { source, path };
  throw new UsageError(`Cannot put a file into the guest as --file must be FROM=/ABSOLUTE/PATH: ${text}`);
}
