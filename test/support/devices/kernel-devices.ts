import { closeSync, openSync } from 'node:fs';

/** Why a device of the kernel cannot be used here; false where it can. For the `skip` of a test. */
export function cannotOpen(path: string): string | false {
  try {
    closeSync(openSync(path, 'r'));
    return false;
  } catch (error) {
    return `${path} cannot be opened here (${(error as NodeJS.ErrnoException).code}): npm run vm boots a kernel that has it`;
  }
}
