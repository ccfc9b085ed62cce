/**
 * Stores into a read-only view of a buffer, `node storing-process.js WHAT`, and ends with 0 when
 * the store did not reach the buffer.
 */

import process from 'node:process';

import { KiB, importBuffer, openHeap } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { createMemfd } from '../support/devices/memfd.ts';

const LENGTH = 64 * KiB;
const what = process.argv[2];

function open(): DmaBuf {
  if (what === 'memfd') return importBuffer(createMemfd({ length: LENGTH }));
  const heap = openHeap('system', { backends: [what === 'kernel' ? 'kernel' : 'udmabuf'] });
  const buffer = heap.allocate(LENGTH);
  return what === 'foreign udmabuf' ? importBuffer(buffer.exportFd()) : buffer;
}

const buffer = open();
buffer.vmap({ readOnly: true }).bytes[0] = 1;
process.exitCode = buffer.accessSync('read', (bytes) => bytes[0]) === 0 ? 0 : 1;
