import type { Architecture } from './architectures.ts';
import type { GuestCommand } from './boot-archive.ts';
import { modulesForGuest } from './guest-modules.ts';
import { testDriversForGuest } from './kernel-test-drivers.ts';
import { peersForGuest } from './guest-peers.ts';

/** What is built here for a guest, which has no compiler: C programs, and kernel modules. */
export function additionsForGuest(architecture: Architecture): Required<Pick<GuestCommand, 'environment' | 'files'>> {
  const peers = peersForGuest(architecture);
  const modules = modulesForGuest(architecture);
  const drivers = testDriversForGuest(architecture);
  return {
    environment: { ...peers.environment, ...modules.environment, ...drivers.environment },
    files: [...peers.files, ...modules.files, ...drivers.files],
  };
}
