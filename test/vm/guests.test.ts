/** The tests that a real kernel runs: Debian's, emulated. See docs/guide/guest.md. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { missingCompiler } from '../support/processes/c-compiler.ts';
import { testInGuest } from '../support/runner/guest-tests.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import type { GuestTests } from '../support/runner/guest-tests.ts';

const folder = mkdtempSync(join(tmpdir(), 'dmabuf-test-'));
after(() => rmSync(folder, { recursive: true }));

/**
 * The peer in C, for guests, which have no compiler: linked statically. None without a compiler
 * here; the tests that use it say so.
 */
function buildSharePeer(): string | undefined {
  if (missingCompiler() !== undefined) return undefined;
  const peer = join(folder, 'share-peer');
  const [headers, source] = [join(repositoryRoot, 'bench/peer'), join(repositoryRoot, 'test/peers/share-peer.c')];
  const { status, stderr } = spawnSync('cc', ['-static', '-I', headers, '-o', peer, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`share-peer.c does not compile:\n${stderr}`);
  return peer;
}

const sharePeer = buildSharePeer();
const SHARE_PEER_PATH = '/bin/share-peer';
/** One emulated processor does in a minute what a real one does in some seconds. */
const FEWER_STEPS = { DMABUF_FUZZ_STEPS: '4000', DMABUF_KILL_ROUNDS: '2' };

const GUESTS: readonly GuestTests[] = [
  {
    guest: 'x86_64',
    memoryMiB: 6144,
    environment: sharePeer === undefined ? FEWER_STEPS : { ...FEWER_STEPS, DMABUF_SHARE_PEER: SHARE_PEER_PATH },
    programs: sharePeer === undefined ? undefined : [{ source: sharePeer, path: SHARE_PEER_PATH }],
    files: [
      'test/conformance/embedded.test.js',
      'test/conformance/embedded-shareable.test.js',
      'test/conformance/kernel.test.js',
      'test/conformance/udmabuf.test.js',
      'test/kernel/*.test.js',
      '!test/kernel/layout.test.js',
      // Tests that share buffers of real heaps. Tests of sockets alone run outside, where they take
      // seconds.
      'test/share/c-peer.test.js',
      'test/share/connection.test.js',
      'test/share/failing-calls.test.js',
      'test/share/hostile-peers.test.js',
      'test/share/inherit.test.js',
      'test/share/listener.test.js',
      'test/share/read-only-peers.test.js',
      'test/share/ring.test.js',
      'test/share/sync-files.test.js',
      'test/fuzz/heap.fuzz.js',
      'test/limits/limits.test.js',
      'test/limits/real-buffers.test.js',
      'test/cli/doctor.test.js',
      'src/backend/layout/*.test.js',
      'src/backend/udmabuf/*.test.js',
      'src/linux/*/*.test.js',
      'src/diagnosis/*.test.js',
      'src/mapping/window.test.js',
    ],
  },
  {
    guest: 'x86_64',
    memoryMiB: 3072,
    // They trace the layouts of hundreds of buffers. Beside each other, one was seen to make no
    // progress up to its limit, and the others to get no events meanwhile.
    filesAtOnce: 1,
    files: ['test/cli/layout.test.js', 'test/workload/kernel.test.js', 'test/workload/udmabuf.test.js'],
  },
  {
    guest: 'x86_64',
    // Buffers of 1 GiB, beside what the guest itself takes.
    memoryMiB: 3072,
    icount: true,
    // One puts the machine's memory into pieces, and another loads modules.
    filesAtOnce: 1,
    files: ['test/cli/vmap-heaps.test.js', 'test/modules/*.test.js'],
  },
  {
    guest: 'x86_64',
    memoryMiB: 2048,
    // Nobody else maps, loads the same module, has shared memory, or traces: the soak and the test
    // of layouts compare what the whole machine has of it.
    filesAtOnce: 1,
    files: ['test/kernel/layout.test.js', 'test/modules/real-time.test.js', 'test/soak/soak.test.js'],
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

// One after the other: each has as many processors as this machine probably has.
for (const guest of GUESTS) await testInGuest(guest);
