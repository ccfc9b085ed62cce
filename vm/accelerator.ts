/**
 * What executes a guest's instructions: this machine's processor by KVM, or qemu's translator
 * (TCG).
 */

import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';

import { prepareBaseImage } from './base-image.ts';
import { cached, cacheFolder, cacheKey } from './cache.ts';
import type { Accelerator, Machine } from './emulator.ts';
import { GuestEndError, GuestError } from './guest-error.ts';
import { runGuest } from './guest.ts';
import { reportProgress } from './run-program.ts';

/** What runs a guest, and the reason for it. */
export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  readonly because: string;
}

/** The properties of a machine that decide the choice. */
type MachineModel = Pick<Machine, 'architecture' | 'cpu'>;

const KVM_DEVICE = '/dev/kvm';
const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id';
/**
 * KVM boots a guest within seconds. Where it hangs, the trial takes this long, once after each boot
 * of this machine.
 */
const TRIAL_SECONDS_MAX = 30;
const TRIAL_MEMORY_MIB = 1024;
const TRIAL_COMMAND = ['node', '-e', '0'];

/**
 * Takes KVM where it boots the guest's own kernel and runs Node.js. `wanted` is taken without a
 * trial. `signal` ends the trial.
 */
export async function chooseAccelerator(
  machine: MachineModel,
  wanted: Accelerator | undefined,
  signal?: AbortSignal,
): Promise<AcceleratorChoice> {
  if (wanted !== undefined) return { accelerator: wanted, because: 'it was asked for' };
  const obstacle = obstacleToKvm(machine, process.arch, KVM_DEVICE);
  if (obstacle !== undefined) return { accelerator: 'tcg', because: obstacle };
  const { kernelPath } = prepareBaseImage(machine.architecture);
  const key = cacheKey({ bootId: bootId(), kernelPath });
  const name = `kvm-trial-${machine.architecture.guestName}-${key}`;
  const failure = await rememberedFailure(name, () => failureByKvm(machine, signal));
  if (failure !== '') return { accelerator: 'tcg', because: `a trial boot by KVM failed: ${failure}` };
  return { accelerator: 'kvm', because: 'a trial boot by it succeeded' };
}

/** For people: `TCG, as …`. */
export function describeAccelerator({ accelerator, because }: AcceleratorChoice): string {
  return `${accelerator.toUpperCase()}, as ${because}`;
}

/** The reason that rules KVM out without a trial; undefined without one. */
export function obstacleToKvm(
  { architecture, cpu }: MachineModel,
  hostArchitecture: string,
  device: string,
): string | undefined {
  if (architecture.nodeArchitecture !== hostArchitecture) {
    return `this machine is ${hostArchitecture} and the guest ${architecture.nodeArchitecture}`;
  }
  // KVM hides features from programs that a model lacks, but executes them when programs use them
  // unasked.
  if (cpu !== undefined) return `only TCG refuses the instructions that the processor ${cpu} lacks`;
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code === 'ENOENT'
      ? `there is no ${device}`
      : `${device} cannot be opened (${code}): see which group it belongs to`;
  }
}

/** The result of `trial`, the empty text for success. It is kept in the cache under `name`. */
export async function rememberedFailure(name: string, trial: () => Promise<string>): Promise<string> {
  const path = join(cacheFolder(), name, 'failure');
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const failure = await trial();
  cached(name, (folder) => writeFileSync(join(folder, 'failure'), failure));
  return failure;
}

/**
 * Boots the guest's own kernel: /dev/kvm may open, execute a small program, and hang at an
 * instruction that only a kernel uses.
 */
async function failureByKvm(machine: MachineModel, signal: AbortSignal | undefined): Promise<string> {
  reportProgress('booting a guest to see whether KVM works');
  const nowhere = (): Writable => new Writable({ write: (_bytes, _encoding, done): void => done() });
  try {
    const status = await runGuest({
      architecture: machine.architecture,
      accelerator: 'kvm',
      memoryMiB: TRIAL_MEMORY_MIB,
      command: TRIAL_COMMAND,
      stdout: nowhere(),
      stderr: nowhere(),
      timeoutSeconds: TRIAL_SECONDS_MAX,
      ...(signal === undefined ? {} : { signal }),
    });
    return status === 0 ? '' : `Node.js ended with ${status}`;
  } catch (error) {
    // An interrupted trial says nothing about KVM.
    if (!(error instanceof GuestError) || signal?.aborted === true) throw error;
    return error instanceof GuestEndError ? error.why : error.message;
  }
}

/** After its next boot, this machine may have another KVM. */
function bootId(): string {
  try {
    return readFileSync(BOOT_ID_PATH, 'utf8').trim();
  } catch {
    return '';
  }
}
