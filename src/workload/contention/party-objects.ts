import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';

import { assert } from '../../base/assert.ts';
import { runAllSteps } from '../../base/cleanup.ts';
import type { BufferHandle } from '../../heap/buffer-handle.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { discardHandle, openHandle } from '../../heap/worker-buffer.ts';
import { SgTable } from '../../sg/sg-table.ts';
import type { PoolChunk, PoolSharing } from '../consumers/apusys-pool.ts';
import type { BufferLocks, LockCounts } from '../kernel/buffer-locks.ts';
import { FileLock } from '../kernel/file-lock.ts';
import type { SharedBuffers } from '../kernel/kernel-functions.ts';
import type { SleepingLock } from '../kernel/kernel-lock.ts';
import type { SharedLoads } from '../loads/load.ts';
import type { PartyTask, SharedBufferFacts } from './party-messages.ts';

interface ChunkMessage {
  readonly handle: BufferHandle;
  readonly used: Uint8Array<SharedArrayBuffer>;
}

/** What a party shares with the others, by its own descriptors of it. */
export class PartyObjects implements SharedBuffers, SharedLoads {
  readonly #buffers = new Map<string, DmaBuf>();
  readonly #locks = new Map<DmaBuf, BufferLocks>();
  readonly #tables = new Map<DmaBuf, SgTable>();
  readonly #sessions = new Map<string, { readonly lock: FileLock; readonly channelName: string }>();
  readonly #closers: (() => void)[] = [];

  /**
   * @param buffers of the task, in its order: closed with this, or where it fails
   * @throws as a lock cannot be opened
   */
  constructor(task: PartyTask, buffers: readonly DmaBuf[], counts: LockCounts) {
    for (const buffer of buffers) this.#closers.push(() => buffer.close());
    try {
      for (const [index, facts] of task.buffers.entries()) {
        const buffer = buffers[index];
        assert(buffer !== undefined, 'A party gets every buffer of its task');
        this.#addBuffer(facts, buffer, counts);
      }
      for (const { name, lockPath, channelName } of task.sessions)
        this.#sessions.set(name, { lock: this.#open(lockPath, counts.driver), channelName });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  locksOf(buffer: DmaBuf): BufferLocks | undefined {
    return this.#locks.get(buffer);
  }

  tableOf(buffer: DmaBuf): SgTable | undefined {
    return this.#tables.get(buffer);
  }

  buffer(name: string): DmaBuf {
    const found = this.#buffers.get(name);
    assert(found !== undefined, 'Every buffer that a load names is shared');
    return found;
  }

  sessionLock(name: string): SleepingLock {
    return this.#session(name).lock;
  }

  /**
   * A chunk is mapped by the thread that added it, and its handle is posted to the others: they see
   * the same mapping, as all threads of a kernel do.
   */
  poolSharing(name: string): { readonly sharing: PoolSharing; readonly close: () => void } {
    const { lock, channelName } = this.#session(name);
    const channel = new BroadcastChannel(channelName);
    const arrived: ChunkMessage[] = [];
    const closers = [(): void => channel.close()];
    // What a turn of the event loop has taken out of the queue already.
    channel.addEventListener(
      'message',
      (message) => void arrived.push((message as unknown as { readonly data: ChunkMessage }).data),
    );
    channel.unref();
    const receive = (): ChunkMessage[] => {
      for (let next = receiveNow(channel); next !== undefined; next = receiveNow(channel)) arrived.push(next);
      return arrived.splice(0);
    };
    const sharing = {
      lock,
      takeAdded: (): readonly PoolChunk[] =>
        receive().map(({ handle, used }) => {
          const buffer = openHandle(handle);
          const view = buffer.vmap();
          closers.push(() => buffer.close(), () => view.close()); // prettier-ignore
          return { lengthBytes: view.length, view, used };
        }),
      tellAdded: ({ used }: PoolChunk, buffer: DmaBuf): void => {
        const handle = buffer.toHandle();
        closers.push(() => void discardHandle(handle));
        channel.postMessage({ handle, used } satisfies ChunkMessage);
      },
    };
    return { sharing, close: () => runAllSteps(closers.splice(0).toReversed(), 'A shared pool could not be closed') };
  }

  close(): void {
    runAllSteps(this.#closers.splice(0).toReversed(), 'What a party shared could not be closed');
  }

  #addBuffer({ name, ...facts }: SharedBufferFacts, buffer: DmaBuf, counts: LockCounts): void {
    this.#buffers.set(name, buffer);
    this.#locks.set(buffer, {
      reservation: this.#open(facts.reservationPath, counts.reservation),
      exporter: this.#open(facts.exporterPath, counts.exporter),
    });
    const { entries, pageSize } = facts;
    if (entries !== undefined) this.#tables.set(buffer, SgTable.fromEntries(entries, { pageSize }));
  }

  #session(name: string): { readonly lock: FileLock; readonly channelName: string } {
    const found = this.#sessions.get(name);
    assert(found !== undefined, 'Every session that a load names is shared');
    return found;
  }

  #open(path: string, use: LockCounts['driver']): FileLock {
    const lock = new FileLock(path, use);
    this.#closers.push(() => lock.close());
    return lock;
  }
}

/** What has arrived, without a turn of the event loop. The types know of ports alone. */
function receiveNow(channel: BroadcastChannel): ChunkMessage | undefined {
  return receiveMessageOnPort(channel as unknown as MessagePort)?.message as ChunkMessage | undefined;
}
