/** The tests that a real kernel runs: Debian's, emulated. See docs/guide/guest.md. */

import { testInGuest } from '../support/guest-tests.ts';
import type { GuestTests } from '../support/guest-tests.ts';

/** One emulated processor does in a minute what one of this machine does in some seconds. */
const FEWER_STEPS = { DMABUF_FUZZ_STEPS: '4000', DMABUF_KILL_ROUNDS: '2' };

const GUESTS: readonly GuestTests[] = [
  {
    guest: 'x86_64',
    memoryMiB: 6144,
    environment: FEWER_STEPS,
    files: [
      'test/conformance/embedded.test.js',
      'test/conformance/embedded-shareable.test.js',
      'test/conformance/kernel.test.js',
      'test/conformance/udmabuf.test.js',
      'test/kernel/*.test.js',
      'test/share/*.test.js',
      'test/fuzz/heap.fuzz.js',
      'test/limits/*.test.js',
      'test/cli/doctor.test.js',
      'test/cli/layout.test.js',
      'test/soak/soak.test.js',
      'src/backend/layout/*.test.js',
      'src/backend/udmabuf/*.test.js',
      'src/linux/*.test.js',
      'src/mapping/window.test.js',
    ],
  },
  {
    guest: 'x86_64',
    // It has no SIMD in WebAssembly.
    cpu: 'qemu64',
    memoryMiB: 4096,
    environment: FEWER_STEPS,
    files: ['src/sg/page*.test.js', 'src/sg/page*.fuzz.js', 'src/sg/sg-*.test.js', 'test/conformance/embedded.test.js'],
  },
];

// One after the other: each has as many processors as this machine is likely to have.
for (const guest of GUESTS) await testInGuest(guest);
