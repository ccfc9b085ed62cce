import { DmaBufError } from '../base/errors.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import { OwnedFd } from '../linux/calls/fd.ts';
import type { DescriptorStream } from '../share/stream/descriptor-stream.ts';
import { NativeMessageReader, writeMessage } from './native-message.ts';
import type { NativeMessage } from './native-message.ts';
import { protocolError, unknownError } from './protocol-error.ts';
import { dictionary, int, readFdIndex, readNumber, readPod, readStruct, readText, struct, text } from './spa-pod.ts';
import type { Pod } from './spa-pod.ts';

/** An event of PipeWire, with the descriptors that came with it. */
export interface NativeEvent {
  readonly object: number;
  readonly opcode: number;
  readonly values: readonly Pod[];
  /**
   * Hands a descriptor over.
   *
   * @throws {DmaBufError} `EPROTO` where none came for it, or it was taken
   */
  readonly takeFd: (value: Pod | undefined) => OwnedFd;
}

/** What is told. */
interface ConnectionListener {
  /** May throw what ends the connection. */
  event(event: NativeEvent): void;
  /** Once: that it has ended, and why. Throws nothing. */
  ended(error: unknown): void;
}

/** PW_ID_CORE and PW_ID_CLIENT, and their methods and events (src/pipewire/core.h, client.h). */
const CORE = 0;
const CLIENT = 1;
const CORE_METHOD = { hello: 1, pong: 3, createObject: 6 } as const;
const CORE_EVENT = { info: 0, ping: 2, error: 3 } as const;
const CLIENT_METHOD = { updateProperties: 2 } as const;
const CORE_VERSION = 4;
/** Whose activation record is known here. */
const SERVER_VERSION = /^1\.4\.\d+$/u;
/** Under way, with messages that are not complete yet. */
const FDS_MAX = 1024;

/** A connection to PipeWire: its messages, and what every client is to answer. */
export class PipeWireConnection {
  readonly #stream: DescriptorStream;
  readonly #listener: ConnectionListener;
  readonly #reader = new NativeMessageReader();
  readonly #fds: OwnedFd[] = [];
  #sequence = 0;
  #closed = false;

  /** Takes ownership of the stream. */
  constructor(stream: DescriptorStream, listener: ConnectionListener) {
    this.#stream = stream;
    this.#listener = listener;
    stream.on('fds', (numbers: number[]) => this.#attempt(() => this.#addFds(numbers)));
    stream.on('data', (bytes: Uint8Array) => this.#attempt(() => this.#receive(bytes)));
    stream.on('error', (error) => this.end(error));
    stream.on('end', () => this.end(goneError()));
    stream.on('close', () => this.end(goneError()));
    this.send(CORE, CORE_METHOD.hello, [int(CORE_VERSION)]);
    const properties = dictionary({ 'application.name': 'dmabuf' });
    this.send(CLIENT, CLIENT_METHOD.updateProperties, [struct(...properties)]);
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(object: number, opcode: number, values: readonly Buffer[]): void {
    if (this.#closed) return;
    const payload = struct(...values);
    this.#stream.writeUnlessGone(writeMessage(object, opcode, { payload, sequence: this.#sequence }));
    this.#sequence += 1;
  }

  /** Asks a factory for an object, whose number is `id` from then on. */
  createObject(kind: ObjectKind, id: number, properties: Readonly<Record<string, string>>): void {
    const { factory, interfaceName, version } = kind;
    const named = [text(factory), text(interfaceName), int(version)];
    this.send(CORE, CORE_METHOD.createObject, [...named, struct(...dictionary(properties)), int(id)]);
  }

  /** Ends it. Idempotent. */
  end(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.destroy();
    for (const fd of this.#fds.splice(0)) fd.closeAside();
    this.#listener.ended(error);
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.end(error);
    }
  }

  #addFds(numbers: readonly number[]): void {
    for (const number of numbers) this.#fds.push(OwnedFd.adopt(number));
    if (this.#closed || this.#fds.length > FDS_MAX) {
      for (const fd of this.#fds.splice(0)) fd.closeAside();
      throw protocolError('descriptors came that no message takes');
    }
  }

  #receive(bytes: Uint8Array): void {
    for (const message of this.#reader.read(bytes)) {
      if (this.#closed) return;
      this.#handle(message);
    }
  }

  #handle(message: NativeMessage): void {
    if (this.#fds.length < message.fdCount)
      throw protocolError(`${this.#fds.length} descriptors came with a message of ${message.fdCount}`);
    const fds: (OwnedFd | undefined)[] = this.#fds.splice(0, message.fdCount);
    const takeFd = (value: Pod | undefined): OwnedFd => {
      const index = readFdIndex(value);
      const fd = fds[index];
      if (fd === undefined) throw protocolError(`a message has no descriptor ${index}`);
      fds[index] = undefined;
      return fd;
    };
    try {
      const values = readStruct(readPod(message.payload));
      const event = { object: message.object, opcode: message.opcode, values, takeFd };
      if (message.object === CORE) this.#handleCore(event);
      this.#listener.event(event);
    } finally {
      for (const fd of fds) fd?.closeAside();
    }
  }

  /** A client that does not answer each ping gets nothing more. */
  #handleCore({ opcode, values }: NativeEvent): void {
    if (opcode === CORE_EVENT.info) checkServer(readText(values[4]));
    if (opcode === CORE_EVENT.ping)
      this.send(CORE, CORE_METHOD.pong, [int(readNumber(values[0])), int(readNumber(values[1]))]);
    if (opcode === CORE_EVENT.error)
      throw protocolError(
        `it reports an error of object ${readNumber(values[0])}: ${quoteForeign(readText(values[3]))}`,
      );
  }
}

/** What a factory of PipeWire makes. */
interface ObjectKind {
  readonly factory: string;
  readonly interfaceName: string;
  readonly version: number;
}

function checkServer(version: string): void {
  if (!SERVER_VERSION.test(version)) throw unknownError(`version ${quoteForeign(version)} of PipeWire`);
}

function goneError(): DmaBufError {
  return new DmaBufError('The connection to PipeWire ended as PipeWire is gone', { code: 'ECONNRESET' });
}
