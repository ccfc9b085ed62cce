// Uses everything in native/border.c, correctly and incorrectly. Run with a build of it under
// sanitizers:
//
//     LD_PRELOAD=libasan.so node border-workout.mjs FILE

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import assert from 'node:assert/strict';

const file = isMainThread ? process.argv[2] : workerData;
const loaded = { exports: {} };
process.dlopen(loaded, file);
const border = loaded.exports;

const EBADF = -9;
const ENAMETOOLONG = -36;
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const F_DUPFD_CLOEXEC = 1030;
const F_DUPFD_LOW = 300;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PROT_READ_WRITE = 3;

function socketPair() {
  const numbers = new Uint8Array(8);
  assert.equal(border.socketpair(AF_UNIX, SOCK_SEQPACKET, 0, numbers), 0);
  return new Int32Array(numbers.buffer);
}

function useWell() {
  const fd = border.memfd_create('workout', 1);
  assert.equal(border.ftruncate(fd, 1 << 16), 0);
  // Above the first word of the set, and above its first page.
  for (const low of [F_DUPFD_LOW, 40_000]) {
    const high = border.fcntl(fd, F_DUPFD_CLOEXEC, low);
    if (high >= 0) border.close(high);
  }
  const view = new Uint8Array(new SharedArrayBuffer(1 << 16, { maxByteLength: 1 << 16 }), 0, 1 << 16);
  const runs = new Float64Array([0, 1 << 15]);
  const lengths = new Float64Array(2).fill(1 << 15);
  assert.equal(border.mapRuns(fd, border.addressOf(view), runs, lengths, 2, PROT_READ_WRITE, 0x11), 0);
  border.memset(border.addressOf(view), 7, view.length);
  assert.equal(border.touch(border.addressOf(view), view.length, 3), border.addressOf(view));
  assert.throws(() => border.touch(border.addressOf(view), view.length, 0), TypeError);
  assert.ok(view.every((byte) => byte === 7));
  const mapped = Array.from({ length: 600 }, () => border.mmap(0, 4096, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0));
  for (const address of mapped.slice(0, 300)) assert.equal(border.munmap(address, 4096), 0);
  const [near, far] = socketPair();
  border.hold(near);
  border.release(near);
  border.closeAside(near);
  border.close(far);
  border.close(fd);
  assert.equal(border.ioctlForFd(-1, 0, new Uint8Array(8), 4), EBADF);
  assert.equal(border.open('/'.padEnd(5000, 'x'), 0), ENAMETOOLONG);
}

/** No combination of kinds may do worse than a TypeError or an error number. */
function useWrongly() {
  const values = [
    undefined,
    null,
    true,
    'text',
    Symbol('s'),
    1n,
    {},
    [],
    () => {},
    new ArrayBuffer(8),
    new Uint8Array(0),
    NaN,
    -1,
    2 ** 53,
    -(2 ** 63),
    Infinity,
  ];
  const unsafe = new Set([
    'memset',
    'touch',
    'watchClose',
    'watchRef',
    'mapRuns',
    'mmap',
    'munmap',
    'mremap',
    'madvise',
  ]);
  for (const [name, call] of Object.entries(border)) {
    if (unsafe.has(name)) continue;
    for (const value of values) {
      // Numbers without an open descriptor: the calls close no descriptor of the program.
      for (const args of [[], [value], [-1, value], [-1, -1, value], [-1, -1, -1, value]]) {
        try {
          const result = call(...args);
          if (typeof result === 'object' && result !== null) border.watchClose(result);
        } catch (error) {
          assert.ok(error instanceof TypeError, `${name}: ${String(error)}`);
        }
      }
    }
  }
  for (const name of ['memset', 'touch', 'mapRuns', 'watchClose', 'watchRef']) {
    for (const value of values.filter((each) => typeof each !== 'number')) {
      assert.throws(() => border[name](value, value, value, value, value, value, value), TypeError);
    }
  }
}

async function watchBy(name) {
  const [near, far] = socketPair();
  let watch;
  await new Promise((resolve) => {
    watch = border[name](near, () => resolve());
    assert.equal(typeof watch, 'object');
    border.watchRef(watch, false);
    border.watchRef(watch, true);
    border.close(far);
  });
  border.watchClose(watch);
  border.close(near);
}

useWell();
await watchBy('watchByLoop');
await watchBy('watchByThread');
if (isMainThread) {
  useWrongly();
  for (let round = 0; round < 20; round += 1) {
    const worker = new Worker(new URL(import.meta.url), { workerData: file });
    if (round % 2 === 0) await new Promise((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => setTimeout(resolve, round));
    await worker.terminate();
  }
  process.stdout.write('done\n');
} else {
  // Ends with a watch of each kind, descriptors and mappings of its own.
  const [near] = socketPair();
  const [other] = socketPair();
  border.watchByLoop(near, () => {});
  border.watchByThread(other, () => {});
  border.mmap(0, 1 << 20, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  parentPort.postMessage('reached');
  setInterval(() => border.memfd_create('workout', 1), 1);
}
