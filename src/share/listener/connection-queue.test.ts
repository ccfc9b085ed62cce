import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { kernelCalls } from '../../linux/calls/kernel-calls.ts';
import type { RawCalls } from '../../linux/calls/kernel-calls.ts';
import { connect } from '../connection/connect.ts';
import { listenNow } from './buffer-listener.ts';
import type { BufferListener } from './buffer-listener.ts';
import { ShareContext } from '../connection/share-context.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const EPERM = 1;
const ENOMEM = 12;
const ENFILE = 23;
const EMFILE = 24;
const ECONNABORTED = 103;
const ENOBUFS = 105;

/** A listener of this process, in which the test replaces some calls. */
function listen(t: TestContext, calls: Partial<RawCalls>): { listener: BufferListener; path: string } {
  const path = join(temporaryFolder(t), 'socket');
  const listener = listenNow(new ShareContext(otherMachine({ raw: rawCallsWith(calls) })), path);
  t.after(() => listener.close());
  return { listener, path };
}

for (const [name, errno] of Object.entries({ EPERM, ENOMEM, ENOBUFS, ECONNABORTED, ENFILE, EMFILE })) {
  test(`accept() waits out ${name}, and gives the connection afterwards`, async (t) => {
    let refusals = 3;
    const { listener, path } = listen(t, {
      accept4: (...values) => {
        refusals -= 1;
        return refusals >= 0 ? -errno : kernelCalls.accept4(...values);
      },
    });
    const connection = await connect(path);
    const accepted = await listener.accept();
    assert.equal(refusals, -1);
    accepted.close();
    connection.close();
  });
}

test('accept() without a descriptor left ends and counts connections, and recovers', async (t) => {
  // Simulates a process at its limit of open descriptors: one is free only while the reserve is
  // closed.
  let limited = false;
  let closedCount = 0;
  const { listener, path } = listen(t, {
    socket: (...values) => (limited ? -EMFILE : kernelCalls.socket(...values)),
    accept4: (...values) => (limited && closedCount === 0 ? -EMFILE : kernelCalls.accept4(...values)),
    close: (fd) => {
      closedCount += 1;
      return kernelCalls.close(fd);
    },
  });
  const first = await connect(path);
  (await listener.accept()).close();
  first.close();
  const refused = await connect(path);
  [limited, closedCount] = [true, 0];
  const accepting = listener.accept();
  await refused.whenPeerCloses();
  limited = false;
  const next = await connect(path);
  (await accepting).close();
  assert.equal(listener.refusedCount, 1);
  for (const each of [refused, next]) each.close();
});

test('accept() throws errors of the listener itself', async (t) => {
  const { listener, path } = listen(t, { accept4: () => -22 });
  const connection = await connect(path);
  await assert.rejects(listener.accept(), { code: 'EINVAL', syscall: 'accept4' });
  connection.close();
});
