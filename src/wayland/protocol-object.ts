import type { OwnedFd } from '../linux/calls/fd.ts';
import type { Interfaces, ProtocolInterface } from './protocol/interfaces.ts';

/** What a request takes for an argument of a kind. */
type RequestValue<Kind> = Kind extends 'int' | 'uint' | 'fixed'
  ? number
  : Kind extends 'string'
    ? string
    : Kind extends 'string?'
      ? string | undefined
      : Kind extends 'object'
        ? AnyObject
        : Kind extends 'object?'
          ? AnyObject | undefined
          : Kind extends 'array'
            ? Uint8Array
            : Kind extends 'fd'
              ? OwnedFd
              : never;

/** What the listener of an event gets. It owns descriptors. */
type EventValue<Kind> = Kind extends `new_id:${infer Name extends keyof Interfaces}`
  ? ProtocolObject<Interfaces[Name]>
  : Kind extends 'object' | 'object?'
    ? AnyObject | undefined
    : Kind extends 'string'
      ? string
      : RequestValue<Kind>;

type RequestValues<Kinds> = Kinds extends readonly [infer First, ...infer Rest]
  ? First extends `new_id:${string}`
    ? RequestValues<Rest>
    : [RequestValue<First>, ...RequestValues<Rest>]
  : [];

type EventValues<Kinds extends readonly unknown[]> = { [Index in keyof Kinds]: EventValue<Kinds[Index]> };

/** The object that a request makes. */
type MadeBy<Kinds> = Kinds extends readonly [infer First, ...infer Rest]
  ? First extends `new_id:${infer Name extends keyof Interfaces}`
    ? ProtocolObject<Interfaces[Name]>
    : MadeBy<Rest>
  : undefined;

export type EventListeners<Of extends ProtocolInterface> = {
  [Name in keyof Of['events']]?: (...values: EventValues<Of['events'][Name]['args']>) => void;
};

/** How an object sends. */
interface ObjectSender {
  send(object: AnyObject, request: string, values: readonly unknown[]): AnyObject | undefined;
}

export type AnyObject = ProtocolObject<ProtocolInterface>;

/** An object of the protocol, on both ends of the connection under the same number. */
export class ProtocolObject<Of extends ProtocolInterface> {
  readonly id: number;
  readonly interface: Of;
  /** Of the interface, as both ends have agreed. */
  readonly version: number;
  readonly #sender: ObjectSender;
  #listeners: EventListeners<Of> = {};
  #destroyed = false;

  constructor(sender: ObjectSender, { id, of, version }: { id: number; of: Of; version: number }) {
    this.#sender = sender;
    this.id = id;
    this.interface = of;
    this.version = version;
  }

  /** Whether a request has destroyed it: its last events may still come, and are dropped. */
  get destroyed(): boolean {
    return this.#destroyed;
  }

  /** Sends a request. @returns what it makes */
  request<Name extends keyof Of['requests'] & string>(
    name: Name,
    ...values: RequestValues<Of['requests'][Name]['args']>
  ): MadeBy<Of['requests'][Name]['args']> {
    const made = this.#sender.send(this as unknown as AnyObject, name, values);
    if (this.interface.requests[name]?.isDestructor === true) this.#destroyed = true;
    return made as MadeBy<Of['requests'][Name]['args']>;
  }

  /** Replaces the listeners that it has. */
  listen(listeners: EventListeners<Of>): this {
    this.#listeners = listeners;
    return this;
  }

  /** Calls the listener of an event. @returns whether there is one */
  tell(event: string, values: readonly unknown[]): boolean {
    const listener = this.#listeners[event] as ((...values: readonly unknown[]) => void) | undefined;
    if (this.#destroyed || listener === undefined) return false;
    listener(...values);
    return true;
  }
}
