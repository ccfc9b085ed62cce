import { onAbort, throwIfAborted } from '../base/abort.ts';
import type { WaitOptions } from '../base/abort.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { V4l2ControlCalls, V4l2Event } from '../linux/calls/v4l2-control-calls.ts';
import type { Readiness, ReadinessWatch } from '../linux/calls/readiness.ts';
import { hasFailed } from '../linux/calls/epoll-calls.ts';
import {
  V4L2_EVENT_CTRL,
  V4L2_EVENT_CTRL_CH_FLAGS,
  V4L2_EVENT_CTRL_CH_RANGE,
  V4L2_EVENT_CTRL_CH_VALUE,
  V4L2_EVENT_EOS,
  V4L2_EVENT_SOURCE_CHANGE,
  V4L2_EVENT_SRC_CH_RESOLUTION,
} from '../uapi/videodev2-controls.ts';
import type { ListedControl } from './control-list.ts';
import { controlValueOf } from './control-value.ts';
import type { ControlValue } from './control-value.ts';

/** What happened to a device. */
export type DeviceEvent =
  | {
      /** A control has changed. */
      readonly kind: 'control';
      /** As the driver has it: `Brightness`. */
      readonly name: string;
      /** As programs write it: `brightness`. */
      readonly key: string;
      /** Undefined of a control whose value an event does not carry: a text, or bytes. */
      readonly value: ControlValue | undefined;
      /** What has changed of it. */
      readonly changed: {
        /** What it is set to. */
        readonly value: boolean;
        /** Whether it can be set now. */
        readonly flags: boolean;
        /** What it can be set to. */
        readonly range: boolean;
      };
      /** In ns of CLOCK_MONOTONIC. */
      readonly timestampNs: bigint;
    }
  | {
      /** What an input receives has changed. */
      readonly kind: 'sourceChange';
      /** Of which input, by its index. */
      readonly input: number;
      /** Whether size or rate have changed: the format is to be negotiated anew. */
      readonly resolution: boolean;
      /** In ns of CLOCK_MONOTONIC. */
      readonly timestampNs: bigint;
    }
  | {
      /** The last frame of a stream was made. */
      readonly kind: 'endOfStream';
      /** In ns of CLOCK_MONOTONIC. */
      readonly timestampNs: bigint;
    };

/** What events are read from. */
interface EventSource {
  readonly calls: V4l2ControlCalls;
  readonly fd: BorrowedFd;
  readonly controls: readonly ListedControl[];
  /** The indexes of its inputs: each has source changes of its own (vidioc-dqevent.rst). */
  readonly inputs: readonly number[];
  readonly readiness: Pick<Readiness, 'watch'>;
  /** Called when it has ended. */
  ended(events: DeviceEvents): void;
}

interface Reader {
  readonly resolve: (result: IteratorResult<DeviceEvent, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const END = { done: true, value: undefined } as const;

/** The events of a device, from when it was made on (drivers/media/v4l2-core/v4l2-event.c). */
export class DeviceEvents implements AsyncIterableIterator<DeviceEvent, undefined> {
  readonly #source: EventSource;
  readonly #pending: DeviceEvent[] = [];
  readonly #readers: Reader[] = [];
  readonly #stopListening: () => void;
  #watch: ReadinessWatch | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @internal */
  constructor(source: EventSource, { signal }: WaitOptions) {
    this.#source = source;
    throwIfAborted(signal);
    const { calls, fd, controls, inputs, readiness } = source;
    for (const input of inputs) calls.subscribe(fd, V4L2_EVENT_SOURCE_CHANGE, input);
    calls.subscribe(fd, V4L2_EVENT_EOS);
    for (const { kernel } of controls) calls.subscribe(fd, V4L2_EVENT_CTRL, kernel.id);
    this.#watch = readiness.watch(fd, 'urgent', {
      ready: (events) => this.#onReady(events),
      failed: (error) => this.#fail(error),
    });
    this.#stopListening = onAbort(signal, (reason) => this.#fail(reason));
  }

  /** The next event. Rejects with the abort reason, and with `ENODEV` when it is unplugged. */
  next(): Promise<IteratorResult<DeviceEvent, undefined>> {
    const event = this.#pending.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#watch === undefined) return Promise.resolve(END);
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  /** Ends it: nothing is waited for any more. */
  return(): Promise<IteratorResult<DeviceEvent, undefined>> {
    this.close();
    return Promise.resolve(END);
  }

  /** As {@link return}, at once. Idempotent. */
  close(): void {
    this.#end();
    this.#pending.splice(0);
    for (const { resolve } of this.#readers.splice(0)) resolve(END);
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** For `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#stopListening();
    this.#watch?.close();
    this.#watch = undefined;
    this.#source.ended(this);
  }

  #fail(error: unknown): void {
    if (this.#watch === undefined) return;
    this.#failure = { error };
    this.#end();
    for (const { reject } of this.#readers.splice(0)) reject(error);
  }

  /** All at once: the kernel keeps few of each kind, and replaces the oldest. */
  #onReady(events: number): void {
    const { calls, fd } = this.#source;
    try {
      for (let event = calls.nextEvent(fd); event !== undefined; event = calls.nextEvent(fd)) {
        const told = this.#describe(event);
        if (told !== undefined) this.#tell(told);
      }
      if (hasFailed(events)) this.#fail(calls.refusedEvent(fd));
    } catch (error) {
      this.#fail(error);
    }
  }

  #tell(event: DeviceEvent): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#pending.push(event);
    else reader.resolve({ done: false, value: event });
  }

  #describe({ type, id, changes, value, timestampNs }: V4l2Event): DeviceEvent | undefined {
    if (type === V4L2_EVENT_EOS) return Object.freeze({ kind: 'endOfStream', timestampNs });
    if (type === V4L2_EVENT_SOURCE_CHANGE) {
      const resolution = (changes & V4L2_EVENT_SRC_CH_RESOLUTION) !== 0;
      return Object.freeze({ kind: 'sourceChange', input: id, resolution, timestampNs });
    }
    const control = this.#source.controls.find(({ kernel }) => kernel.id === id);
    if (control === undefined) return undefined;
    const has = (flag: number): boolean => (changes & flag) !== 0;
    return Object.freeze({
      kind: 'control',
      name: control.description.name,
      key: control.description.key,
      value: control.kernel.payloadBytes > 0 ? undefined : controlValueOf(control.description.type, value),
      changed: Object.freeze({
        value: has(V4L2_EVENT_CTRL_CH_VALUE),
        flags: has(V4L2_EVENT_CTRL_CH_FLAGS),
        range: has(V4L2_EVENT_CTRL_CH_RANGE),
      }),
      timestampNs,
    });
  }
}
