import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { MiB, openHeap } from 'dmabuf';

using heap = openHeap('system');
using buffer = heap.allocate(8 * MiB, { name: 'frame' });

// The bytes are the buffer's scattered pages: a file is read into them and hashed there.
const file = openSync(process.execPath, 'r');
const length = await buffer.access('write', (bytes) => readSync(file, bytes));
const hash = await buffer.access('read', (bytes) => createHash('sha256').update(bytes).digest('hex'));
closeSync(file);
process.stdout.write(`${length} bytes, sha256 ${hash}, from the ${heap.backend} heap\n`);
