/**
 * What a supervisor starts: takes the one socket passed, and answers each connection until one says
 * "end".
 */

import { fstatSync } from 'node:fs';

import { listen, supervisorSockets } from '../../src/share/index.ts';

function isOpen(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

const [socket] = supervisorSockets();
if (socket === undefined) throw new Error('No socket was passed');
const listener = await listen(socket);
// Before any other takes its number.
const state = isOpen(socket.fd) ? 'still open' : 'taken';
for await (const connection of listener) {
  const received = await connection.receive();
  const text = received?.text ?? '';
  await connection.send({
    message: `${socket.name} ${socket.fd} ${state}: ${text}`,
  });
  connection.close();
  if (text === 'end') break;
}
