/** Tests of cameras, and of pipelines with dma-bufs, in a guest. See docs/guide/guest.md. */

import { gstreamerForGuest } from '../support/processes/gstreamer-root.ts';
import { testInGuest } from '../support/runner/guest-tests.ts';
import { programForGuest } from '../support/runner/program-for-guest.ts';

const gstreamer = gstreamerForGuest('x86_64');
await testInGuest({
  guest: 'x86_64',
  // Below 4 GiB: memory beyond is copied through swiotlb for a device of 32 bits, such as the one
  // of vivid's that takes contiguous memory, and what vivid has drawn is overwritten.
  memoryMiB: 2048,
  // They share the cameras.
  filesAtOnce: 1,
  environment: gstreamer.environment,
  programs: [
    ...(programForGuest({ packageName: 'v4l-utils', program: 'usr/bin/v4l2-ctl' }) ?? []),
    ...(gstreamer.programs ?? []),
  ],
  files: [
    'test/devices/camera*.test.js',
    'test/devices/uvc*.test.js',
    'test/devices/v4l2*.test.js',
    'test/devices/video*.test.js',
    'test/gstreamer/dma-bufs.test.js',
    'test/lab/lab-camera.test.js',
  ],
});
