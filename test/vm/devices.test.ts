/** The tests of cameras, in a guest whose kernel has them. See docs/guide/guest.md. */

import { testInGuest } from '../support/runner/guest-tests.ts';
import { programForGuest } from '../support/runner/program-for-guest.ts';

await testInGuest({
  guest: 'x86_64',
  // Below 4 GiB: memory beyond is copied through swiotlb for a device of 32 bits, such as the one
  // of vivid's that takes contiguous memory, and what vivid has drawn is overwritten.
  memoryMiB: 2048,
  // They share the cameras.
  filesAtOnce: 1,
  programs: programForGuest({ packageName: 'v4l-utils', program: 'usr/bin/v4l2-ctl' }),
  files: [
    'test/devices/camera*.test.js',
    'test/devices/uvc*.test.js',
    'test/devices/v4l2*.test.js',
    'test/devices/video*.test.js',
  ],
});
