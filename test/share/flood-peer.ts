/**
 * Sends COUNT messages with a buffer each, and reads none: `node flood-peer.js PATH COUNT`. Then it
 * is gone.
 */

import { argv } from 'node:process';

import { KiB, MiB } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { connect } from '../../src/share/index.ts';

const [, , path = '', count = '0'] = argv;
const connection = await connect(path);
const buffer = openEmbeddedHeap({ capacity: MiB }).allocate(4 * KiB, { shareable: true });
for (let index = 0; index < Number(count); index += 1)
  await connection.send({ message: String(index), buffers: [buffer] });
connection.close();
buffer.close();
