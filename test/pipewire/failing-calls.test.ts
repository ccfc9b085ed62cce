/**
 * Whichever system call fails while a stream begins: a typed error or none, and nothing is left.
 * Method: as in test/share/failing-calls.test.ts.
 */

import assert from 'node:assert/strict';
import { readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';

import { isDmaBufError } from '../../src/index.ts';
import type { OwnedFd } from '../../src/index.ts';
import { experimentalReceivePipeWireFrames } from '../../src/pipewire/receive-pipewire-frames.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { assertHeld, heldDescriptors, settledDescriptors } from '../share/held-descriptors.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import {
  NODE,
  addMemory,
  fd,
  format,
  info,
  int,
  memfdOf,
  message,
  naivePipeWire,
  object,
  recordFile,
  signalPair,
} from './naive-pipewire.ts';

checkLeaksAfterFile();

function statusIn(record: OwnedFd): number {
  const bytes = Buffer.alloc(4);
  readSync(record.borrow(), bytes, 0, 4, 0);
  return bytes.readInt32LE(0);
}

/** Until the node is ready for its first turn, and PipeWire goes. */
async function beginStream(t: TestContext, context: ShareContext): Promise<void> {
  const remote = join(temporaryFolder(t), 'pipewire-0');
  const listening = naivePipeWire(t, remote);
  const accepting = listening.accept();
  const files = [recordFile(), memfdOf(4096), ...signalPair()];
  const [record, pool, wake, woken] = files as [OwnedFd, OwnedFd, OwnedFd, OwnedFd];
  try {
    const frames = await experimentalReceivePipeWireFrames({ remote }, context);
    const ended = frames.next();
    let isOver = false;
    const over = ended.then(
      () => undefined,
      (error: unknown) => {
        isOver = true;
        return error;
      },
    );
    const server = await accepting;
    server.write(info('1.4.2'));
    server.writeWithFds(addMemory(1), [record]);
    server.writeWithFds(addMemory(2), [pool]);
    server.writeWithFds(message(NODE, 0, [fd(0), fd(1), int(1), int(0), int(2312)], 2), [woken, wake]);
    server.write(format(4, 4));
    server.write(message(NODE, 8, [0, 0, 0, 0, 1, 2, 0, 4096, 0, 1, 1, 16, 0, 0, 64].map(int)));
    server.write(message(NODE, 4, [object(0x3_0002, 2, [])]));
    await until(() => isOver || statusIn(record) === 3);
    server.destroy();
    const error = await over;
    if (!isDmaBufError(error, 'ECONNRESET')) throw error;
  } finally {
    listening.close();
    await accepting.then(
      (server) => server.destroy(),
      () => {},
    );
    for (const file of files) file.close();
  }
}

test('experimentalReceivePipeWireFrames(): the n-th system call fails, for every n', async (t) => {
  const refused = new Set<string>();
  await beginStream(t, new ShareContext());
  const held = await settledDescriptors();
  for (let n = 1; ; n += 1) {
    const calls = new FailingCalls();
    calls.failAt(n);
    try {
      await beginStream(t, new ShareContext(otherMachine({ raw: calls.raw })));
    } catch (error) {
      assert.ok(isDmaBufError(error), inspect(error));
      refused.add(calls.failed ?? '');
    }
    // A window over which no zeros could be mapped goes with its array.
    await collectGarbageUntil(() => isDeepStrictEqual(heldDescriptors(), held), 20);
    await assertHeld(held, `after call ${n}, ${calls.failed}`);
    if (calls.failed === undefined) break;
  }
  for (const name of ['socket', 'connect', 'recvmsg', 'fcntl', 'mmap'])
    assert.ok(refused.has(name), [...refused].join(', '));
});
