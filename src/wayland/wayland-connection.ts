import { onAbort } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import { OwnedFd } from '../linux/calls/fd.ts';
import type { DescriptorStream } from '../share/stream/descriptor-stream.ts';
import { compositorError } from './compositor-error.ts';
import { ProtocolObject } from './protocol-object.ts';
import type { AnyObject } from './protocol-object.ts';
import { findInterface, INTERFACES } from './protocol/interfaces.ts';
import type { InterfaceName, Interfaces, ProtocolInterface } from './protocol/interfaces.ts';
import { decodeArguments, encodeMessage, messageHeader } from './wire-message.ts';
import type { WireValue } from './wire-message.ts';

/** wl_display's number (The Wayland Protocol, "Creating Objects"). */
const DISPLAY_ID = 1;
/** The compositor's own objects have numbers from here on. */
const SERVER_ID_MIN = 0xff00_0000;
/** Events with descriptors that are under way; each has one. */
const DESCRIPTORS_MAX = 1024;

/** Something that the compositor offers: an interface, its newest version, and its number. */
export interface Global {
  readonly number: number;
  readonly name: string;
  readonly version: number;
}

/** A connection to a compositor: its objects, its globals, and its end. */
export class WaylandConnection {
  readonly display: ProtocolObject<Interfaces['wl_display']>;
  readonly #stream: DescriptorStream;
  readonly #objects = new Map<number, AnyObject>();
  readonly #globals = new Map<number, Global>();
  readonly #freeIds: number[] = [];
  readonly #descriptors: OwnedFd[] = [];
  readonly #watchers = new Set<(error: unknown) => void>();
  readonly #registry: ProtocolObject<Interfaces['wl_registry']>;
  #bytes: Uint8Array = new Uint8Array(0);
  #nextId = DISPLAY_ID + 1;
  #failure: { readonly error: unknown } | undefined;

  /** Takes ownership of the stream. */
  constructor(stream: DescriptorStream) {
    this.#stream = stream;
    this.display = new ProtocolObject(this, { id: DISPLAY_ID, of: INTERFACES.wl_display, version: 1 });
    this.#objects.set(DISPLAY_ID, this.display);
    this.display.listen({
      error: (object, code, message) => this.#fail(explainError(object, code, message)),
      delete_id: (id) => this.#forget(id),
    });
    this.#registry = this.display.request('get_registry');
    this.#registry.listen({
      global: (number, name, version) => this.#globals.set(number, { number, name, version }),
      global_remove: (number) => this.#globals.delete(number),
    });
    stream.on('fds', (numbers: number[]) => this.#addDescriptors(numbers));
    stream.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    stream.on('error', (error) => this.#fail(error));
    stream.on('end', () => this.#fail(goneError()));
    stream.on('close', () => this.#fail(goneError()));
  }

  /** Whether it has ended. */
  get closed(): boolean {
    return this.#failure !== undefined;
  }

  /** What the compositor offers now, once {@link roundTrip} has shown it. */
  get globals(): readonly Global[] {
    return [...this.#globals.values()];
  }

  /** The first global of an interface; undefined where the compositor has none. */
  findGlobal(name: InterfaceName): Global | undefined {
    return this.globals.find((global) => global.name === name);
  }

  /**
   * An object of a global.
   *
   * @param versionMax the newest version that is spoken here
   */
  bind<Name extends InterfaceName>(global: Global, name: Name, versionMax: number): ProtocolObject<Interfaces[Name]> {
    const version = Math.min(versionMax, global.version);
    const made = this.#create(INTERFACES[name], version);
    // As `bind` is alone in naming what it makes: a name, a version and the new number.
    const kinds = ['uint', 'string', 'uint', 'uint'];
    const { opcode } = INTERFACES.wl_registry.requests.bind;
    const target = { object: this.#registry.id, opcode };
    this.#stream.writeUnlessGone(encodeMessage(target, kinds, [global.number, name, version, made.id]));
    return made;
  }

  /** Sends a request of an object, in which new objects get their numbers. */
  send(object: AnyObject, request: string, values: readonly unknown[]): AnyObject | undefined {
    this.#checkOpen();
    const message = object.interface.requests[request];
    assert(message !== undefined && message.since <= object.version, `${object.interface.name} has ${request}`);
    const left = [...values];
    const fds: OwnedFd[] = [];
    let made: AnyObject | undefined;
    const wire = message.args.map((kind): WireValue => {
      if (kind.startsWith('new_id:')) {
        made = this.#create(interfaceOf(kind), object.version);
        return made.id;
      }
      const value = left.shift();
      if (kind === 'fd') fds.push(value as OwnedFd);
      else if (value instanceof ProtocolObject) return value.id;
      return value as WireValue;
    });
    const bytes = encodeMessage({ object: object.id, opcode: message.opcode }, message.args, wire);
    // What the compositor has said before it went, such as what it refuses, is still to be read.
    this.#stream.writeUnlessGone(bytes, fds);
    return made;
  }

  /**
   * Resolves when the compositor has done all that was sent before, and its events have been told.
   *
   * @throws the connection's error when it ends, the abort reason when aborted
   */
  async roundTrip(signal?: AbortSignal): Promise<void> {
    await this.until((done) => this.display.request('sync').listen({ done }), signal);
  }

  /**
   * Waits for what an event tells.
   *
   * @param begin gets what resolves the wait
   * @throws the connection's error when it ends, the abort reason when aborted
   */
  async until<Told>(begin: (resolve: (told: Told) => void) => void, signal?: AbortSignal): Promise<Told> {
    this.#checkOpen();
    return await new Promise<Told>((resolve, reject) => {
      const settle = (end: () => void): void => {
        stopListening();
        this.#watchers.delete(fail);
        end();
      };
      const fail = (error: unknown): void => settle(() => reject(error));
      const stopListening = onAbort(signal, fail);
      this.#watchers.add(fail);
      begin((told) => settle(() => resolve(told)));
    });
  }

  /** Calls `watcher` with the error once the connection ends. */
  onEnd(watcher: (error: unknown) => void): void {
    if (this.#failure === undefined) this.#watchers.add(watcher);
    else watcher(this.#failure.error);
  }

  /** Ends the connection, with all its objects. Idempotent. */
  close(): void {
    this.#fail(new DmaBufError('Cannot use the window after it was closed', { code: 'ERR_DMABUF_CLOSED' }));
  }

  #create<Of extends ProtocolInterface>(of: Of, version: number): ProtocolObject<Of> {
    const id = this.#freeIds.pop() ?? this.#nextId++;
    const made = new ProtocolObject(this, { id, of, version });
    this.#objects.set(id, made as unknown as AnyObject);
    return made;
  }

  /** A number may be used again once the compositor has said so. */
  #forget(id: number): void {
    if (this.#objects.delete(id) && id < SERVER_ID_MIN) this.#freeIds.push(id);
  }

  #addDescriptors(numbers: readonly number[]): void {
    for (const number of numbers) this.#descriptors.push(OwnedFd.adopt(number));
    if (this.#descriptors.length > DESCRIPTORS_MAX)
      this.#fail(compositorError(`${this.#descriptors.length} descriptors came that no event takes`));
    if (this.closed) this.#closeDescriptors();
  }

  #receive(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    try {
      while (!this.closed && this.#takeEvent());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @returns whether there was a whole one */
  #takeEvent(): boolean {
    if (this.#bytes.length < messageHeader.size) return false;
    const { object: id, opcode, bytes } = messageHeader.read(this.#bytes);
    if (bytes < messageHeader.size || bytes % 4 !== 0) throw compositorError(`an event has ${bytes} bytes`);
    if (this.#bytes.length < bytes) return false;
    const payload = this.#bytes.slice(messageHeader.size, bytes);
    this.#bytes = this.#bytes.subarray(bytes);
    const object = this.#objects.get(id);
    // The events of an object that is gone were under way as it went.
    if (object !== undefined) this.#tell(object, opcode, payload);
    return true;
  }

  #tell(object: AnyObject, opcode: number, payload: Uint8Array): void {
    const found = Object.entries(object.interface.events).find(([, message]) => message.opcode === opcode);
    if (found === undefined) throw compositorError(`${object.interface.name} has no event ${opcode}`);
    const [name, { args }] = found;
    const wire = decodeArguments(args, payload);
    const fds = args.filter((kind) => kind === 'fd').map(() => this.#takeDescriptor(object, name));
    const left = [...fds];
    const values = args.map((kind, index) => this.#valueOf(kind, wire[index], { object, left }));
    if (!object.tell(name, values)) for (const fd of fds) fd.closeAside();
  }

  #valueOf(
    kind: string,
    value: WireValue,
    { object, left }: { readonly object: AnyObject; readonly left: OwnedFd[] },
  ): unknown {
    if (kind === 'fd') return left.shift();
    if (kind === 'object' || kind === 'object?') return this.#objects.get(value as number);
    if (!kind.startsWith('new_id:')) return value;
    const id = value as number;
    if (id < SERVER_ID_MIN) throw compositorError(`it makes an object with the number ${id}`);
    const made = new ProtocolObject(this, { id, of: interfaceOf(kind), version: object.version });
    this.#objects.set(id, made);
    return made;
  }

  #takeDescriptor(object: AnyObject, event: string): OwnedFd {
    const fd = this.#descriptors.shift();
    if (fd !== undefined) return fd;
    throw compositorError(`${object.interface.name}.${event} came without its descriptor`);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    const watchers = [...this.#watchers].map((watcher) => () => watcher(error));
    this.#watchers.clear();
    this.#objects.clear();
    const steps = [() => this.#closeDescriptors(), () => void this.#stream.destroy(), ...watchers];
    runAllSteps(steps, 'The connection to the compositor could not be ended');
  }

  #closeDescriptors(): void {
    for (const fd of this.#descriptors.splice(0)) fd.closeAside();
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function interfaceOf(kind: string): ProtocolInterface {
  const found = findInterface(kind.slice('new_id:'.length));
  assert(found !== undefined, `${kind} is spoken here`);
  return found;
}

/** The compositor has found a fault of ours: `xdg_surface.not_constructed: …`. */
function explainError(object: AnyObject | undefined, code: number, message: string): DmaBufError {
  const errors = object?.interface.enums['error'] ?? {};
  const known = Object.entries(errors).find(([, value]) => value === code)?.[0];
  const name = object?.interface.name ?? 'an object that is gone';
  return compositorError(`it says ${name}.${known ?? code}: ${quoteForeign(message)}`);
}

function goneError(): DmaBufError {
  return new DmaBufError('Cannot go on with the compositor as it is gone', { code: 'ECONNRESET' });
}
