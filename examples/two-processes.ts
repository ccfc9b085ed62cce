import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MiB, openHeap } from 'dmabuf';
import { connectionForChild, takeInheritedConnection } from 'dmabuf/share';

if (process.argv[2] === 'child') {
  // What is sent arrives as the same pages: nothing is copied.
  const connection = takeInheritedConnection();
  for await (const received of connection) {
    for (const frame of received.buffers) {
      const found = await frame.access('read', (bytes) => bytes[0]);
      await frame.access('write', (bytes) => bytes.fill(2));
      await connection.send({ message: `${found} in a ${frame.exporter} of ${frame.length} bytes` });
    }
    received.close();
  }
  connection.close();
} else {
  const inherited = connectionForChild();
  const { connection } = inherited;
  const env = { ...process.env, ...inherited.env };
  // execArgv: the child needs the options by which this process runs TypeScript.
  const words = [...process.execArgv, fileURLToPath(import.meta.url), 'child'];
  spawn(process.execPath, words, { stdio: inherited.stdio, env });
  inherited.close();

  const heap = openHeap('system');
  const frame = heap.allocate(16 * MiB, { name: 'frame', shareable: true });
  await frame.access('write', (bytes) => bytes.fill(1));
  await connection.send({ buffers: [frame] });
  const answer = await connection.receive();
  if (answer === undefined) throw new Error('The child ended without an answer');
  const left = await frame.access('read', (bytes) => bytes[0]);
  process.stdout.write(`the child found ${answer.text}, and left ${left}\n`);
  connection.close();
  frame.close();
  heap.close();
}
