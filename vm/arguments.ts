import { ARCHITECTURES } from './architectures.ts';
import type { Architecture } from './architectures.ts';

/** Words that the command line does not take. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the command line asks for. */
export interface GuestArguments {
  readonly isHelp: boolean;
  readonly architecture: Architecture;
  readonly cpu: string | undefined;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  readonly devices: readonly string[];
  readonly files: readonly { readonly source: string; readonly path: string }[];
  /** Empty for an interactive shell. */
  readonly command: readonly string[];
}

/** Enough for the whole suite. The emulator takes from this machine only what the guest touches. */
export const MEMORY_MIB = 6144;
const TIMEOUT_SECONDS = 3600;
const MIB_BY_UNIT: Readonly<Record<string, number>> = { M: 1, MiB: 1, G: 1024, GiB: 1024 };

export const HELP_TEXT = `Usage: npm run vm -- [OPTION…] [COMMAND…]

Boots a Linux guest with the compiled package, runs COMMAND in its folder, and ends with its exit status.
Without a command: an interactive shell. COMMAND is a program and its arguments; for shell syntax: sh -c '…'.

  --arch NAME       x86_64 (default), arm64, arm64-16k (16 KiB pages)
  --cpu NAME        what the emulator's -cpu takes: qemu64 has no SIMD in WebAssembly
  --memory SIZE     such as 2G or 512M (default ${MEMORY_MIB / 1024}G)
  --timeout SECONDS how long boot and command may take together (default ${TIMEOUT_SECONDS})
  --file FROM=TO    a file of this machine to be in the guest, executable; may be given again
  --device NAME     what the emulator's -device takes, such as cirrus-vga; may be given again
  --help            this text
`;

/** Options end at the first word that is none, or at \`--\`. */
export function parseArguments(words: readonly string[]): GuestArguments {
  const rest = [...words];
  const parsed = { isHelp: false, devices: [] as string[], files: [] as { source: string; path: string }[] };
  const values = new Map<string, string>();
  while (rest[0]?.startsWith('-') === true) {
    const word = rest.shift() ?? '';
    if (word === '--') break;
    if (word === '--help' || word === '-h') parsed.isHelp = true;
    else if (word === '--device') parsed.devices.push(valueOf(word, rest));
    else if (word === '--file') parsed.files.push(toFile(valueOf(word, rest)));
    else if (['--arch', '--cpu', '--memory', '--timeout'].includes(word)) values.set(word, valueOf(word, rest));
    else throw new UsageError(`Cannot take the option ${word}: see --help`);
  }
  return {
    ...parsed,
    architecture: toArchitecture(values.get('--arch') ?? 'x86_64'),
    cpu: values.get('--cpu'),
    memoryMiB: toMiB(values.get('--memory') ?? `${MEMORY_MIB}M`),
    timeoutSeconds: toSeconds(values.get('--timeout') ?? `${TIMEOUT_SECONDS}`),
    command: rest,
  };
}

function valueOf(option: string, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) throw new UsageError(`Cannot take ${option} as no value follows it`);
  return value;
}

function toArchitecture(name: string): Architecture {
  const found = Object.values(ARCHITECTURES).find(({ guestName }) => guestName === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `Cannot boot a guest as --arch must be one of ${Object.keys(ARCHITECTURES).join(', ')}: ${name}`,
  );
}

function toMiB(text: string): number {
  const { count = '', unit = '' } = /^(?<count>[1-9]\d*)(?<unit>[A-Za-z]+)$/u.exec(text)?.groups ?? {};
  const factor = MIB_BY_UNIT[unit];
  if (factor !== undefined) return Number(count) * factor;
  throw new UsageError(`Cannot boot a guest as --memory must be a size such as 2G or 512M: ${text}`);
}

function toSeconds(text: string): number {
  if (/^[1-9]\d*$/u.test(text)) return Number(text);
  throw new UsageError(`Cannot boot a guest as --timeout must be a number of seconds: ${text}`);
}

/** What lay there in the image is hidden by what the guest mounts. */
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
