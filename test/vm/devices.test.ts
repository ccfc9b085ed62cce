/** The tests of cameras, in a guest whose kernel has them. See docs/guide/guest.md. */

import { ARCHITECTURES } from '../../vm/architectures.ts';
import { filesOfProgram } from '../../vm/debian-programs.ts';
import { GuestError } from '../../vm/guest-error.ts';
import { missingRequirement } from '../../vm/requirements.ts';
import { testInGuest } from '../support/runner/guest-tests.ts';
import type { GuestTests } from '../support/runner/guest-tests.ts';

/** None where there is no guest, or no way to Debian's archive: the tests that use it say so. */
function v4l2Ctl(): GuestTests['programs'] {
  const architecture = ARCHITECTURES.x86_64;
  if (missingRequirement(architecture) !== undefined) return undefined;
  try {
    return filesOfProgram(architecture, { packageName: 'v4l-utils', program: 'usr/bin/v4l2-ctl' });
  } catch (error) {
    if (error instanceof GuestError) return undefined;
    throw error;
  }
}

await testInGuest({
  guest: 'x86_64',
  // Below 4 GiB: memory beyond is copied through swiotlb for a device of 32 bits, such as the one
  // of vivid's that takes contiguous memory, and what vivid has drawn is overwritten.
  memoryMiB: 2048,
  // They share the cameras.
  filesAtOnce: 1,
  programs: v4l2Ctl(),
  files: [
    'test/devices/camera*.test.js',
    'test/devices/uvc*.test.js',
    'test/devices/v4l2*.test.js',
    'test/devices/video*.test.js',
  ],
});
