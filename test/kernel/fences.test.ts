/**
 * Accesses and waits while a device works on the buffer: over vgem's own buffer, and buffers of
 * this package that it has imported.
 */

import assert from 'node:assert/strict';
import { on } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import type { AccessMode, DmaBuf } from '../../src/index.ts';
import { FENCED_SUBJECTS } from '../support/devices/fenced-buffers.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import type { FenceOrder } from './fence-worker.ts';

checkLeaksAfterFile();

const MODES: readonly AccessMode[] = ['read', 'write', 'readwrite'];

/** The other thread, which answers each order, some of them twice. */
class FenceWorker {
  readonly #worker = new Worker(new URL('fence-worker.js', import.meta.url));
  readonly #answers: AsyncIterator<unknown[]>;

  private constructor(t: TestContext) {
    this.#answers = on(this.#worker, 'message')[Symbol.asyncIterator]();
    t.after(() => this.#worker.terminate());
  }

  /** Resolves once it runs: vgem's fences last for 10 s, and a thread may take long to start. */
  static async start(t: TestContext): Promise<FenceWorker> {
    const worker = new FenceWorker(t);
    assert.equal(await worker.answer(), 'running');
    return worker;
  }

  async ask(order: FenceOrder): Promise<unknown> {
    this.#worker.postMessage(order);
    return await this.answer();
  }

  async answer(): Promise<unknown> {
    const { value } = await this.#answers.next();
    return (value as unknown[])[0];
  }
}

for (const { name, skip, open } of FENCED_SUBJECTS) {
  test(`access() of ${name} waits for the device, and the event loop goes on`, { skip }, async (t) => {
    const { vgem, handle, buffer } = open(t);
    const writing = vgem.attachFence(handle, 'write');
    const order: string[] = [];
    const accesses = MODES.map((mode) => buffer.access(mode, () => order.push(mode)));
    const waits = [buffer.ready('read'), buffer.ready('read'), buffer.ready('write')];
    for (let tick = 0; tick < 20; tick += 1) {
      await setImmediate();
      assert.deepEqual(order, []);
    }
    assert.equal(await stateOf(Promise.race([...accesses, ...waits])), 'pending');
    order.push('signal');
    vgem.signal(writing);
    await Promise.all([...accesses, ...waits]);
    assert.equal(order[0], 'signal');
    assert.deepEqual(order.slice(1).toSorted(), MODES.toSorted());
  });

  test(`access('read') and ready('read') of ${name} do not wait for readers`, { skip }, async (t) => {
    const { vgem, handle, buffer } = open(t);
    const reading = vgem.attachFence(handle, 'read');
    await buffer.ready('read');
    assert.equal(await buffer.access('read', (bytes) => bytes.length), buffer.length);
    const write = buffer.access('write', () => 'written');
    assert.equal(await stateOf(write), 'pending');
    vgem.signal(reading);
    assert.equal(await write, 'written');
  });

  test(`access() and ready() of ${name} are aborted by their signals, each alone`, { skip }, async (t) => {
    const { vgem, handle, buffer } = open(t);
    const writing = vgem.attachFence(handle, 'write');
    const controller = new AbortController();
    const { signal } = controller;
    const refuse = (): never => assert.fail('An access that was given up has no body');
    const givenUp = [buffer.access('write', refuse, { signal }), buffer.ready('read', { signal })];
    const kept = buffer.ready('read');
    controller.abort(new Error('enough'));
    for (const wait of givenUp) await assert.rejects(wait, /^Error: enough$/u);
    await assert.rejects(buffer.ready('write', { signal }), /^Error: enough$/u);
    assert.equal(await stateOf(kept), 'pending');
    vgem.signal(writing);
    await kept;
    assert.equal(await buffer.access('write', () => 'written'), 'written');
  });

  test(`ready() and access() of ${name} continue although the buffer is closed meanwhile`, { skip }, async (t) => {
    for (const wait of [
      (buffer: DmaBuf) => buffer.ready('write'),
      (buffer: DmaBuf) => buffer.access('write', () => {}),
    ]) {
      const { vgem, handle, buffer } = open(t);
      const writing = vgem.attachFence(handle, 'write');
      const waiting = wait(buffer);
      await setImmediate();
      buffer.close();
      assert.equal(await stateOf(waiting), 'pending');
      vgem.signal(writing);
      await waiting;
    }
  });

  test(
    `accessSync() of ${name} with { block: true } blocks its thread until the device is done`,
    { skip },
    async (t) => {
      const { vgem, handle, buffer } = open(t);
      const worker = await FenceWorker.start(t);
      const writing = vgem.attachFence(handle, 'write');
      assert.equal(await worker.ask({ type: 'block', handle: buffer.toHandle() }), 'blocking');
      const unblocked = worker.answer();
      for (let tick = 0; tick < 20; tick += 1) await setImmediate();
      assert.equal(await stateOf(unblocked), 'pending');
      vgem.signal(writing);
      assert.equal(await unblocked, 'unblocked');
    },
  );

  test(`openHandle() of ${name} in a worker thread: an access is refused, aborted, and waits`, { skip }, async (t) => {
    const { vgem, handle, buffer } = open(t);
    const worker = await FenceWorker.start(t);
    const writing = vgem.attachFence(handle, 'write');
    assert.equal(await worker.ask({ type: 'refused', handle: buffer.toHandle() }), 'EAGAIN');
    assert.equal(await worker.ask({ type: 'givenUp', handle: buffer.toHandle() }), 'Error: enough');
    assert.equal(await worker.ask({ type: 'wait', handle: buffer.toHandle() }), 'waiting');
    const accessed = worker.answer();
    assert.equal(await stateOf(accessed), 'pending');
    vgem.signal(writing);
    assert.equal(await accessed, 'accessed');
    assert.equal(await worker.ask({ type: 'wait', handle: buffer.toHandle() }), 'accessed');
  });
}
