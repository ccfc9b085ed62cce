import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MiB, openHeap } from 'dmabuf';
import { inheritConnection, takeInheritedConnection } from 'dmabuf/share';

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
  const inherited = inheritConnection();
  const { connection } = inherited;
  const env = { ...process.env, ...inherited.env };
  spawn(process.execPath, [fileURLToPath(import.meta.url), 'child'], { stdio: inherited.stdio, env });
  inherited.close();

  const heap = openHeap('system');
  const frame = heap.allocate(16 * MiB, { name: 'frame', shareable: true });
  await frame.access('write', (bytes) => bytes.fill(1));
  await connection.send({ buffers: [frame] });
  const answer = await connection.receive();
  const left = await frame.access('read', (bytes) => bytes[0]);
  process.stdout.write(`the child found ${answer?.text}, and left ${left}\n`);
  connection.close();
  frame.close();
  heap.close();
}
