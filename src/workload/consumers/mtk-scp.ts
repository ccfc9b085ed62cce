/** What the processor of the sensors tells those who asked: it has stopped, it is ready. */
type ScpEvent = 'stop' | 'ready';

/** Called as the processor stops and starts again. */
type ScpNotifier = (event: ScpEvent) => void;

/**
 * Who has asked MediaTek's processor of the sensors for its messages (`mtk_ipi_register`) and for
 * word of its restarts (`scp_A_register_notify`). Out of tree.
 */
export class MtkScp {
  readonly #receivers = new Set<symbol>();
  readonly #notifiers = new Set<ScpNotifier>();
  #commandCount = 0;

  /** Those who get its messages. */
  get receiverCount(): number {
    return this.#receivers.size;
  }

  /** Those who are told of its restarts. */
  get notifierCount(): number {
    return this.#notifiers.size;
  }

  /** Commands that it was sent. */
  get commandCount(): number {
    return this.#commandCount;
  }

  /** @returns a function that undoes it */
  registerReceiver(): () => void {
    const receiver = Symbol('receiver');
    this.#receivers.add(receiver);
    return () => void this.#receivers.delete(receiver);
  }

  /** @returns a function that undoes it */
  registerNotifier(notifier: ScpNotifier): () => void {
    this.#notifiers.add(notifier);
    return () => void this.#notifiers.delete(notifier);
  }

  sendCommand(): void {
    this.#commandCount += 1;
  }

  /** The firmware crashes, or is loaded anew. */
  restart(): void {
    for (const event of ['stop', 'ready'] as const) for (const notifier of this.#notifiers) notifier(event);
  }
}
