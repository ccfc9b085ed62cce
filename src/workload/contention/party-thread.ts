/** The thread of a party. */

import { parentPort, workerData } from 'node:worker_threads';

import { importBuffer } from '../../backend/fd-buffer/import-buffer.ts';
import { assert } from '../../base/assert.ts';
import { withCleanup } from '../../base/cleanup.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { PartyCommand, PartyTask } from './party-messages.ts';
import { runParty } from './run-party.ts';

const task = workerData as PartyTask;
const port = parentPort;
assert(port !== null, 'it runs as a thread');
const takeBuffers = (): DmaBuf[] =>
  withCleanup((cleanup) =>
    task.buffers.map(({ fd, name }) => {
      const buffer = importBuffer(fd, { name });
      cleanup.defer(() => buffer.close());
      return buffer;
    }),
  );
await runParty(task, takeBuffers, {
  post: (message) => port.postMessage(message),
  onCommand: (listener) => void port.on('message', (command: PartyCommand) => listener(command)),
});
port.close();
