import type { Architecture } from './architectures.ts';
import type { GuestCommand } from './boot-archive.ts';
import { modulesForGuest } from './guest-modules.ts';
import { peersForGuest } from './guest-peers.ts';

/** What is built here for a guest, which has no compiler: C programs, and kernel modules. */
export function additionsForGuest(architecture: Architecture): Required<Pick<GuestCommand, 'environment' | 'files'>> {
  const peers = peersForGuest(architecture);
  const modules = modulesForGuest(architecture);
  return {
    environment: { ...peers.environment, ...modules.environment },
    files: [...peers.files, ...modules.files],
  };
}
