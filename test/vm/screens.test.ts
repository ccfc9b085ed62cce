/** Screens of real drivers, in a guest that has four of them. */

import { testInGuest } from '../support/runner/guest-tests.ts';

await testInGuest({
  guest: 'x86_64',
  memoryMiB: 2048,
  devices: ['cirrus-vga,id=cirrus', 'bochs-display,id=bochs', 'virtio-gpu-pci,id=virtio', 'qxl,id=qxl'],
  files: ['test/devices/screens.test.js'],
});
