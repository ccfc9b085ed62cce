/**
 * The same on arm64, with pages of 4 and of 16 KiB. Debian's arm64 kernels have udmabuf, but no
 * dma-buf heaps.
 */

import { testInGuest } from '../support/runner/guest-tests.ts';

/**
 * Without src/sg/vmap-batches.test.ts, which computes for minutes there and does not depend on the
 * guest.
 */
const FILES = [
  'src/sg/from-pages.test.js',
  'src/sg/page*.test.js',
  'src/sg/sg-*.test.js',
  'test/conformance/embedded.test.js',
  'test/conformance/embedded-shareable.test.js',
  'test/conformance/udmabuf.test.js',
  'test/share/connection.test.js',
  'src/share/ring/frame-ring.test.js',
];

const environment = { DMABUF_KILL_ROUNDS: '2' };

await testInGuest({ guest: 'arm64', memoryMiB: 4096, environment, files: FILES });
await testInGuest({ guest: 'arm64-16k', memoryMiB: 4096, environment, files: FILES });
