/** Screens of real drivers, in a guest that has four of them. */

import { testInGuest } from '../support/runner/guest-tests.ts';
import { programForGuest } from '../support/runner/program-for-guest.ts';

await testInGuest({
  guest: 'x86_64',
  memoryMiB: 2048,
  devices: ['cirrus-vga,id=cirrus', 'bochs-display,id=bochs', 'virtio-gpu-pci,id=virtio', 'qxl,id=qxl'],
  programs: programForGuest({ packageName: 'libdrm-tests', program: 'usr/bin/modetest' }),
  files: ['test/devices/screens.test.js'],
});
