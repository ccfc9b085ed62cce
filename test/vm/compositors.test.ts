/** Tests of compositors with dma-bufs, in a guest. See docs/guide/guest.md. */

import { westonForGuest } from '../support/processes/weston.ts';
import { testInGuest } from '../support/runner/guest-tests.ts';

const { environment, programs } = westonForGuest('x86_64');
await testInGuest({
  guest: 'x86_64',
  memoryMiB: 3072,
  // They are all heavy.
  filesAtOnce: 1,
  environment,
  programs,
  files: [
    'test/wayland/camera-in-window.test.js',
    'test/wayland/screencopy.test.js',
    'test/wayland/weston-dma-bufs.test.js',
  ],
});
