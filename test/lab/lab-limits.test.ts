/** What others can do to the lab by asking much, oddly, or going away. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { MiB } from '../../src/index.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/runner/leak-check.ts';
import { assertSettles } from '../support/runner/settled.ts';
import { admitted, ask } from './ask-lab.ts';
import { labForTest, partsOf } from './lab-for-test.ts';

checkLeaksAfterFile();

test('a target that is no address is refused, and is no fault of the lab', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  for (const path of ['//', '///', 'http://', 'http://[', 'http://:99999/', '//user@:80/'])
    assert.equal((await ask(port, { path })).status, 400, path);
});

test('connections that nobody uses take no more than their share, and the lab answers when they are gone', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  const sockets: Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  let closedCount = 0;
  for (let count = 0; count < 160; count += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => (closedCount += 1));
    socket.resume();
    sockets.push(socket);
  }
  await assertSettles(() => closedCount, 32);
  for (const socket of sockets) socket.destroy();
  await assertSettles(() => closedCount, 160);
  assert.equal((await ask(port, {})).status, 200);
});

test('the job of a page that went away while it waited for its turn is not begun', async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { port } = partsOf(lab.newAddress());
  const headers = await admitted(lab.newAddress());
  const running = postWorkload(port, headers);
  const [answer] = (await once(running, 'response')) as [IncomingMessage];
  await once(answer, 'data');
  const waiting = postWorkload(port, headers);
  await sleep(200);
  waiting.destroy();
  await sleep(50);
  answer.destroy();
  // It would have run for an hour.
  const body = JSON.stringify({ length: MiB, mix: 'fresh' });
  const convert = async (): Promise<number> =>
    (await ask(port, { method: 'POST', path: '/api/convert', headers, body })).status;
  let status = 409;
  for (let count = 0; count < 5 && status === 409; count += 1) status = await convert();
  assert.equal(status, 200);
});

test('a lab that is closed has ended its job', async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { port } = partsOf(lab.newAddress());
  const headers = await admitted(lab.newAddress());
  const before = heldMemory();
  const [answer] = (await once(postWorkload(port, headers), 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  await once(answer, 'data');
  assert.notDeepEqual(heldMemory(), before);
  await lab.close();
  assert.deepEqual(heldMemory(), before);
});

function postWorkload(port: number, headers: OutgoingHttpHeaders): ClientRequest {
  const asked = request({ host: '127.0.0.1', port, method: 'POST', path: '/api/workload', headers, agent: false });
  asked.on('error', () => {});
  asked.end(
    JSON.stringify({ name: 'camera-preview', seconds: 3600, caller: 'fixed', conversion: 'page', mapping: 'run' }),
  );
  return asked;
}
