/**
 * `npm run bench -- --guest`: what takes a kernel with heaps, measured in the guest, and the C program with it, in one boot. It is built
 * here, since the guest has no compiler. The guest is emulated: its times compare with each other, and with nothing else.
 */

import { ARCHITECTURES } from '../vm/architectures.ts';
import { MEMORY_MIB } from '../vm/arguments.ts';
import { GuestError } from '../vm/guest-error.ts';
import { runGuest } from '../vm/guest.ts';
import { missingRequirement } from '../vm/requirements.ts';
import { buildCPeer } from '../src/measure/c-peer.ts';

const PEER_FOLDER = '/bin';
const TIMEOUT_SECONDS = 1200;

async function main(words: readonly string[]): Promise<number> {
  const architecture = ARCHITECTURES.x86_64;
  const missing = missingRequirement(architecture);
  if (missing !== undefined) throw new GuestError(`Cannot measure in a guest: ${missing}`);
  // Static, since the guest has few libraries.
  const peer = buildCPeer('dma-heap', { flags: ['-static'] });
  try {
    process.stderr.write(peer.built ? `${peer.compiler}: ${peer.command}\n` : `Without C: ${peer.reason}\n`);
    return await runGuest({
      architecture,
      cpu: undefined,
      memoryMiB: MEMORY_MIB,
      command: ['node', '--expose-gc', 'dist/bench/main.js', '--only', 'heap-overhead', ...words],
      files: peer.built ? [{ source: peer.path, path: `${PEER_FOLDER}/dma-heap` }] : [],
      environment: { DMABUF_PEERS: PEER_FOLDER },
      stdout: process.stdout,
      stderr: process.stderr,
      timeoutSeconds: TIMEOUT_SECONDS,
    });
  } finally {
    peer.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof GuestError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
