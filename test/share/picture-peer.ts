/**
 * The other end of test/share/pictures.test.ts, in a process of its own: `node picture-peer.js
 * PATH`. It increments each byte of the received pictures, but none after a row, and sends them
 * back with their received descriptions.
 */

import { argv } from 'node:process';

import { connect } from '../../src/share/index.ts';

const connection = await connect(argv[2] ?? '');
for await (const received of connection) {
  const { frame } = received;
  frame?.accessSync('readwrite', (planes) => {
    for (const plane of planes) plane.copyIn(plane.copyOut().map((byte) => byte + 1));
  });
  const told = frame && {
    size: [frame.width, frame.height],
    format: frame.description.format?.name,
    modifier: String(frame.modifier),
    buffers: frame.planes.map(({ buffer }) => buffer.name),
    places: frame.planes.map(({ offset, stride, length }) => [offset, stride, length]),
  };
  await connection.send({ message: JSON.stringify({ bufferCount: received.buffers.length, ...told }), frame });
  received.close();
}
connection.close();
