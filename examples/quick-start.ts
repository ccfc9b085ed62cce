import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { MiB, openHeap } from 'dmabuf';

const heap = openHeap('system');
const buffer = heap.allocate(8 * MiB, { name: 'frame' });

// One contiguous Uint8Array over the buffer's scattered pages: a file is read into them, and hashed where it lies.
const file = openSync(process.execPath, 'r');
const length = await buffer.access('write', (bytes) => readSync(file, bytes));
const hash = await buffer.access('read', (bytes) => createHash('sha256').update(bytes).digest('hex'));
process.stdout.write(`${length} bytes, sha256 ${hash}\n`);

closeSync(file);
buffer.close();
heap.close();
