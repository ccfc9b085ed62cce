import { ARCHITECTURES } from '../../../vm/architectures.ts';
import { filesOfProgram } from '../../../vm/debian-programs.ts';
import type { DebianProgram } from '../../../vm/debian-programs.ts';
import { GuestError } from '../../../vm/guest-error.ts';
import { missingRequirement } from '../../../vm/requirements.ts';
import type { GuestTests } from './guest-tests.ts';

/**
 * The files of a program for the x86_64 guest. None where there is no guest, or no way to Debian's
 * archive: the tests that use the program say so.
 */
export function programForGuest(program: DebianProgram): GuestTests['programs'] {
  const architecture = ARCHITECTURES.x86_64;
  if (missingRequirement(architecture) !== undefined) return undefined;
  try {
    return filesOfProgram(architecture, program);
  } catch (error) {
    if (error instanceof GuestError) return undefined;
    throw error;
  }
}
