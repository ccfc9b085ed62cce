/**
 * Listens at a path at the same instant as another: `node racing-peer.js`. Reads `PATH TIME` from
 * stdin, a line a round, and tries at TIME, in ms of the clock. Says `listening` or the code of the
 * refusal. `close` ends a round.
 */

import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline';

import { isDmaBufError } from '../../src/index.ts';
import { listen } from '../../src/share/index.ts';
import type { BufferListener } from '../../src/share/index.ts';

let listener: BufferListener | undefined;

/** Greets each connection with the number of this process. */
async function serve(own: BufferListener): Promise<void> {
  for await (const connection of own) {
    await connection.send({ message: String(process.pid) }).catch(() => {});
    connection.close();
  }
}

async function race(path: string, time: number): Promise<string> {
  while (Date.now() < time);
  try {
    listener = await listen(path);
    void serve(listener);
    return 'listening';
  } catch (error) {
    if (isDmaBufError(error)) return error.code;
    throw error;
  }
}

stdout.write('ready\n');
for await (const line of createInterface({ input: stdin })) {
  const [path = '', time = ''] = line.split(' ');
  if (path === 'close') listener?.close();
  else stdout.write(`${await race(path, Number(time))}\n`);
}
