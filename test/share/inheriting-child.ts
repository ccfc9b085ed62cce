/**
 * A child that inherits what test/share/inherit.test.ts gives it: `node inheriting-child.js`.
 * Reports what it found on the connection, after it has written into the buffers.
 */

import { env } from 'node:process';

import { isDmaBufError } from '../../src/index.ts';
import { takeInheritedBuffers, takeInheritedConnection } from '../../src/share/index.ts';
import { heldDescriptors } from './held-descriptors.ts';

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'nothing thrown';
  } catch (error) {
    return isDmaBufError(error) ? error.code : String(error);
  }
}

const connection = takeInheritedConnection();
const buffers = takeInheritedBuffers();
const found = buffers.map((buffer) => ({
  name: buffer.name,
  length: buffer.length,
  first: buffer.accessSync('readwrite', (bytes) => {
    const first = bytes[0] as number;
    bytes.fill(first + 1);
    return first;
  }),
}));
const again = [codeOf(takeInheritedBuffers), codeOf(takeInheritedConnection)];
const variables = Object.keys(env).filter((name) => name.startsWith('DMABUF_INHERITED'));
for (const buffer of buffers) buffer.close();
const memfdCount = heldDescriptors()['memfd'] ?? 0;
await connection.send({ message: JSON.stringify({ found, again, variables, memfdCount }) });
await connection.whenPeerCloses();
connection.close();
