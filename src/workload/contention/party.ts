import type { OnStep } from '../drive-load.ts';
import { onAbort, throwIfAborted } from '../../base/abort.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { LoadPlace } from '../workload.ts';
import { fromErrorFacts } from './error-facts.ts';
import type { PartyMessage, PartyReport, PartyTask } from './party-messages.ts';
import { startProcess, startThread } from './party-start.ts';
import type { StartedParty } from './party-start.ts';

interface PartyOptions {
  readonly place: LoadPlace;
  /** Of the task, in its order. */
  readonly buffers: readonly DmaBuf[];
}

/** One load in a thread or a process of its own, as the thread that started it sees it. */
export class Party {
  readonly #party: StartedParty;
  readonly #name: string;
  readonly #place: LoadPlace;
  readonly #ready = new Outcome<void>();
  readonly #done = new Outcome<PartyReport>();
  readonly #closed = new Outcome<void>();
  readonly #exited = new Outcome<void>();
  #bufferCount: number | undefined;
  #onStep: OnStep | undefined;
  #failure: Error | undefined;
  #isDone = false;

  private constructor(task: PartyTask, { place, buffers }: PartyOptions) {
    this.#name = task.description.consumer;
    this.#place = place;
    const listeners = {
      onMessage: (message: PartyMessage): void => this.#hear(message),
      onExit: (reason: string): void => this.#lose(reason),
    };
    this.#party = place === 'thread' ? startThread(task, listeners) : startProcess(task, buffers, listeners);
  }

  /** @throws as the load cannot be started: nothing of it stays */
  static async start(task: PartyTask, options: PartyOptions): Promise<Party> {
    const party = new Party(task, options);
    try {
      await party.#ready.promise;
      return party;
    } catch (error) {
      await party.close().catch(() => {});
      await party.end();
      throw error;
    }
  }

  /** @throws as a step fails, as the party is killed, or the signal's reason */
  async drive(signal: AbortSignal, onStep: OnStep | undefined): Promise<PartyReport> {
    throwIfAborted(signal);
    this.#onStep = onStep;
    const stopListening = onAbort(signal, (reason) => this.#fail(reason));
    try {
      this.#party.post('go');
      const report = await this.#done.promise;
      this.#isDone = true;
      return report;
    } finally {
      stopListening();
      this.#onStep = undefined;
    }
  }

  /**
   * Has the load closed. A process that is not done is killed: the kernel gives back what it had,
   * and its locks go to the next.
   */
  async close(): Promise<void> {
    if (this.#party.kill === undefined || this.#isDone) {
      this.#party.post('close');
      await this.#closed.promise;
    } else {
      this.#party.kill();
      await this.#exited.promise;
    }
  }

  /**
   * After all parties have closed their loads.
   *
   * @returns how many buffers of its heap are left: undefined of a process that was killed
   */
  async end(): Promise<number | undefined> {
    this.#party.post('end');
    await this.#exited.promise;
    return this.#bufferCount;
  }

  #hear(message: PartyMessage): void {
    if (message.kind === 'ready') this.#ready.resolve();
    else if (message.kind === 'step') this.#onStep?.(message.isLate);
    else if (message.kind === 'done') this.#done.resolve(message.report);
    else if (message.kind === 'closed') this.#closed.resolve();
    else if (message.kind === 'ended') this.#bufferCount = message.bufferCount;
    else this.#fail(fromErrorFacts(message.error));
  }

  #lose(reason: string): void {
    const what = `Cannot go on with ${this.#name} as its ${this.#place} ${reason}`;
    const error = this.#failure ?? new DmaBufError(what, { code: 'EIO' });
    this.#fail(error);
    this.#closed.reject(error);
    this.#exited.resolve();
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#ready.reject(error);
    this.#done.reject(error);
  }
}

/** A promise that is settled from outside. Nobody need wait for it. */
class Outcome<Value> {
  readonly promise: Promise<Value>;
  resolve!: (value: Value) => void;
  reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => {});
  }
}
