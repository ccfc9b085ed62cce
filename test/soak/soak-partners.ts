import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { discardHandle, isDmaBufError } from '../../src/index.ts';
import type { BufferHandle, DmaBuf } from '../../src/index.ts';
import { connectionForChild } from '../../src/share/index.ts';
import type { BufferConnection } from '../../src/share/index.ts';
import type { SoakWorkerOrder } from './soak-worker.ts';

/** A buffer of a soak. */
export interface TaggedBuffer {
  readonly buffer: DmaBuf;
  readonly tag: number;
  readonly pageSize: number;
}

/** A partner that shares buffers, until it is ended without notice. */
export interface SoakPartner {
  /** False when it has no room for one more now. */
  share(tagged: TaggedBuffer): boolean;
  /** @throws when it saw what it must not see */
  end(): Promise<void>;
}

const CHILD_PATH = fileURLToPath(new URL('soak-child.js', import.meta.url));
const WORKER_URL = new URL('soak-worker.js', import.meta.url);
/** Handles under way to a thread. */
const UNANSWERED_MAX = 8;

/** Another process. It is killed with SIGKILL at any moment. */
export class SoakChild implements SoakPartner {
  readonly #child: ChildProcess;
  readonly #connection: BufferConnection;
  readonly #exited: Promise<unknown[]>;

  constructor() {
    const inherited = connectionForChild();
    const { stdio, env } = inherited;
    this.#connection = inherited.connection;
    this.#child = spawn(process.execPath, ['--enable-source-maps', CHILD_PATH], {
      stdio,
      env: { ...process.env, ...env },
    });
    this.#exited = once(this.#child, 'exit');
    inherited.close();
  }

  share({ buffer, tag, pageSize }: TaggedBuffer): boolean {
    try {
      return this.#connection.trySend({ message: `${tag} ${pageSize}`, buffers: [buffer] });
    } catch (error) {
      // It has ended by itself: end() says how.
      if (isDmaBufError(error, 'EPIPE') || isDmaBufError(error, 'ECONNRESET')) return false;
      throw error;
    }
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    const [status, signal] = await this.#exited;
    this.#connection.close();
    if (signal !== 'SIGKILL') throw new Error(`A child ended by itself, with ${String(status ?? signal)}`);
  }
}

/** Another thread. It is terminated at any moment. */
export class SoakThread implements SoakPartner {
  readonly #worker = new Worker(WORKER_URL);
  readonly #unanswered = new Map<number, BufferHandle>();
  readonly #failures: string[] = [];
  readonly #online: Promise<unknown>;

  constructor() {
    // Node leaves files open that a thread was loading when it was terminated.
    this.#online = once(this.#worker, 'message');
    this.#worker.on('message', (answer: number | string) => {
      if (typeof answer === 'number') this.#unanswered.delete(answer);
      else this.#failures.push(answer);
    });
    this.#worker.on('error', (error) => this.#failures.push(String(error)));
  }

  share({ buffer, tag, pageSize }: TaggedBuffer): boolean {
    if (this.#unanswered.size >= UNANSWERED_MAX || this.#unanswered.has(tag)) return false;
    const handle = buffer.toHandle();
    this.#unanswered.set(tag, handle);
    const order: SoakWorkerOrder = { handle, tag, pageSize };
    this.#worker.postMessage(order);
    return true;
  }

  async end(): Promise<void> {
    await this.#online;
    await this.#worker.terminate();
    for (const handle of this.#unanswered.values()) discardHandle(handle);
    if (this.#failures.length > 0) throw new Error(this.#failures.join('\n'));
  }
}
