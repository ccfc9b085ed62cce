/**
 * The other end of test/share/connection.test.ts, in a process of its own: `node echo-peer.js
 * PATH`. It answers every message with the text and the buffers' first bytes, which it increments,
 * and the buffers.
 */

import { argv } from 'node:process';

import { connect } from '../../src/share/index.ts';

const connection = await connect(argv[2] ?? '');
for await (const received of connection) {
  const firstBytes = received.buffers.map((buffer) =>
    buffer.accessSync('readwrite', (bytes) => {
      const first = bytes[0] as number;
      bytes.fill(first + 1);
      return first;
    }),
  );
  const described = received.buffers.map(({ name, length, exporter }) => ({ name, length, exporter }));
  const message = JSON.stringify({ text: received.text, firstBytes, described, peer: received.peer });
  await connection.send({ message, buffers: received.buffers });
  received.close();
}
connection.close();
