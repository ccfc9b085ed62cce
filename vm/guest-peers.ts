/**
 * The C programs that the package is compared with, built here for a guest, which has no compiler.
 */

import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildCPeer } from '../src/measure/c-peer.ts';
import type { Architecture } from './architectures.ts';
import { cached, cacheKey } from './cache.ts';
import type { GuestCommand } from './boot-archive.ts';

/**
 * Their folder in the guest, and the variable by which the package finds them
 * (`src/measure/c-peer.ts`).
 */
const PEER_FOLDER = '/bin';
const VARIABLE = 'DMABUF_PEERS';
const PEER_NAME = 'sg-to-pages';

// Compiled, this file is dist/vm/guest-peers.js.
const SOURCE = fileURLToPath(new URL(`../../bench/peer/${PEER_NAME}.c`, import.meta.url));

/**
 * The file that provides the program in a guest; none for a guest of another architecture, or
 * without a compiler here.
 */
export function peersForGuest(architecture: Architecture): Required<Pick<GuestCommand, 'environment' | 'files'>> {
  const source = architecture.nodeArchitecture === process.arch ? buildOnce() : undefined;
  if (source === undefined) return { environment: {}, files: [] };
  return { environment: { [VARIABLE]: PEER_FOLDER }, files: [{ source, path: `${PEER_FOLDER}/${PEER_NAME}` }] };
}

/** Undefined where it cannot be built. */
function buildOnce(): string | undefined {
  // Static, because a guest has few libraries.
  const peer = buildCPeer(PEER_NAME, { flags: ['-static'] });
  try {
    if (!peer.built) return undefined;
    const { path, compiler } = peer;
    const key = cacheKey({ compiler, source: readFileSync(SOURCE, 'utf8') });
    const folder = cached(`peer-${PEER_NAME}-${key}`, (target) => copyFileSync(path, join(target, PEER_NAME)));
    return join(folder, PEER_NAME);
  } finally {
    peer.close();
  }
}
