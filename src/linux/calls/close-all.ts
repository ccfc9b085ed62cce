import { runAllSteps } from '../../base/cleanup.ts';
import type { OwnedFd } from './fd.ts';

/** Closes every descriptor, also after one could not be closed. */
export function closeAll(fds: readonly OwnedFd[]): void {
  runAllSteps(
    fds.map((fd) => () => fd.close()),
    'Several descriptors could not be closed',
  );
}
