import assert from 'node:assert/strict';
import { test } from 'node:test';

import { addressOf, libc } from './libc.ts';

test('libc gives -1 and leaves the error number of the failed call', () => {
  assert.equal(libc.close(-1), -1);
  assert.equal(libc.errno(), 9);
  assert.equal(libc.munmap(1, 4096), -1);
  assert.equal(libc.errno(), 22);
});

test('libc takes lengths and offsets beyond 32 bits', () => {
  const fd = libc.memfd_create('dmabuf-test', 0);
  assert.equal(libc.ftruncate(fd, 2 ** 40), 0);
  assert.equal(libc.lseek(fd, 2 ** 39, 0), 2 ** 39);
  assert.equal(libc.lseek(fd, 0, 2), 2 ** 40);
  assert.equal(libc.close(fd), 0);
});

test('addressOf gives the address of the first byte of the view, not of its buffer', () => {
  const shared = new SharedArrayBuffer(8192, { maxByteLength: 8192 });
  const address = addressOf(new Uint8Array(shared, 0, 8192));
  assert.equal(addressOf(new Uint8Array(shared, 4096, 1)) - address, 4096);
  assert.equal(addressOf(new Uint8Array(shared, 5, 1)) - address, 5);
});

test('addressOf gives the address at which the C library finds the bytes', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(4096, { maxByteLength: 4096 }), 0, 4096);
  libc.memset(addressOf(bytes) + 100, 0xa5, 3);
  assert.deepEqual([...bytes.subarray(98, 105)], [0, 0, 0xa5, 0xa5, 0xa5, 0, 0]);
});
