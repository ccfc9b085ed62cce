/**
 * `npm run bench -- --guest`: what takes a kernel with heaps and cameras, or a module in it,
 * measured in guests, each together with its C program, in one boot. Programs and modules are built
 * here, because a guest has no compiler. Guests are emulated, so their times can only be compared
 * with each other.
 */

import { ARCHITECTURES } from '../vm/architectures.ts';
import { MEMORY_MIB } from '../vm/arguments.ts';
import { GuestError } from '../vm/guest-error.ts';
import { buildModules, filesOfModules } from '../vm/guest-modules.ts';
import { runGuest } from '../vm/guest.ts';
import { missingRequirement } from '../vm/requirements.ts';
import { buildCPeer } from '../src/measure/c-peer.ts';

/** A boot, and what is measured in it. */
interface GuestBench {
  readonly subject: string;
  /** Undefined where a kernel module measures. */
  readonly peerName: 'camera' | 'dma-heap' | undefined;
  /** Run by a shell first. */
  readonly preparation: string;
  /** Whether times are instructions: processor time can be repeated then, and no frame is lost. */
  readonly icount: boolean;
}

const PEER_FOLDER = '/bin';
const TIMEOUT_SECONDS = 3600;
const VIVID = 'modprobe vivid n_devs=1 node_types=0x1';
const BENCHES: readonly GuestBench[] = [
  { subject: 'heap-overhead', peerName: 'dma-heap', preparation: 'true', icount: false },
  { subject: 'camera', peerName: 'camera', preparation: VIVID, icount: true },
  { subject: 'camera', peerName: 'camera', preparation: VIVID, icount: false },
  { subject: 'kernel-vmap', peerName: undefined, preparation: 'insmod /lib/dmabuf/dmabuf_measure.ko', icount: true },
];

async function measure(bench: GuestBench, words: readonly string[]): Promise<number> {
  const { subject, preparation, icount } = bench;
  const additions = buildAdditions(bench);
  try {
    if (icount) process.stderr.write('By the count of instructions, 2 ns each:\n');
    const main = `exec node --expose-gc dist/bench/main.js --only ${subject} "$@"`;
    return await runGuest({
      architecture: ARCHITECTURES.x86_64,
      // The same everywhere, so that the measurements of different machines can be compared.
      accelerator: 'tcg',
      cpu: undefined,
      icount,
      memoryMiB: MEMORY_MIB,
      command: ['sh', '-c', `${preparation} && ${main}`, 'sh', ...words],
      files: additions.files,
      environment: { DMABUF_PEERS: PEER_FOLDER },
      stdout: process.stdout,
      stderr: process.stderr,
      timeoutSeconds: TIMEOUT_SECONDS,
    });
  } finally {
    additions.close();
  }
}

/** What a bench needs in its guest, until `close()`. */
interface Additions {
  readonly files: readonly { readonly source: string; readonly path: string }[];
  readonly close: () => void;
}

function buildAdditions({ peerName }: GuestBench): Additions {
  if (peerName === undefined) return { files: buildModuleFiles(), close: () => {} };
  // Static, because the guest has few libraries.
  const peer = buildCPeer(peerName, { flags: ['-static'] });
  process.stderr.write(peer.built ? `${peer.compiler}: ${peer.command}\n` : `Without C: ${peer.reason}\n`);
  return {
    files: peer.built ? [{ source: peer.path, path: `${PEER_FOLDER}/${peerName}` }] : [],
    close: () => peer.close(),
  };
}

function buildModuleFiles(): Additions['files'] {
  const modules = buildModules(ARCHITECTURES.x86_64);
  if ('missing' in modules) throw new GuestError(`Cannot measure in the kernel: ${modules.missing}`);
  return filesOfModules(modules.paths);
}

/** `--only SUBJECT` leaves out the others. */
async function main(words: readonly string[]): Promise<number> {
  const missing = missingRequirement(ARCHITECTURES.x86_64);
  if (missing !== undefined) throw new GuestError(`Cannot measure in a guest: ${missing}`);
  const only = words[0] === '--only' ? words[1] : undefined;
  const rest = only === undefined ? words : words.slice(2);
  for (const bench of BENCHES) {
    if (only !== undefined && bench.subject !== only) continue;
    const status = await measure(bench, rest);
    if (status !== 0) return status;
  }
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof GuestError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
