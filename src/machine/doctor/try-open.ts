import { closeSync, constants, openSync } from 'node:fs';

import { errnoName } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';

/** Opens a device for reading and writing and closes it again. The kernel's answer, where it refuses; nothing else happens. */
export function tryOpen(path: string): ErrnoName | undefined {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
    return undefined;
  } catch (error) {
    return errnoName(-((error as NodeJS.ErrnoException).errno ?? 0));
  }
}
