import { runAllSteps } from '../base/cleanup.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { ActivationRecord, driverIdOf } from './activation-record.ts';
import { EventSignal } from './event-signal.ts';
import { wordsOf } from './memory-pool.ts';
import type { MemoryPool } from './memory-pool.ts';
import type { NativeEvent, PipeWireConnection } from './pipewire-connection.ts';
import { protocolError } from './protocol-error.ts';
import { isObject, readNumber, readObject } from './spa-pod.ts';
import type { Pod } from './spa-pod.ts';
import { layOutBuffer, readBuffers } from './stream-buffer.ts';
import type { StreamBuffer } from './stream-buffer.ts';
import { readFormat } from './stream-format.ts';
import type { StreamFormat } from './stream-format.ts';
import { CLIENT_NODE, describeNode, describePort, PARAMETER, setActive } from './node-description.ts';

/** What a node tells. */
interface NodeListener {
  /** A picture, until it is given back by its number. */
  picture(layout: FrameLayout, give: () => void): void;
}

/** Events of a client's node (src/pipewire/extensions/client-node.h). */
const EVENT = {
  transport: 0,
  setIo: 2,
  command: 4,
  portSetParameter: 7,
  portUseBuffers: 8,
  portSetIo: 9,
  setActivation: 10,
} as const;
/** SPA_NODE_COMMAND_*. */
const COMMAND = { suspend: 0, pause: 1, start: 2 } as const;
/** SPA_IO_* of spa/node/io.h. */
const IO = { buffers: 1, position: 7 } as const;
/** SPA_STATUS_* of spa/node/io.h. */
const STATUS = { needData: 1, haveData: 2 } as const;
/** SPA_ID_INVALID. */
const NONE = 0xffff_ffff;
const NO_BUFFER = -1;
const IO_BUFFERS_BYTES = 8;
const PEERS_MAX = 64;

/** A node that waits for this one. */
interface Peer {
  readonly record: ActivationRecord;
  readonly signal: EventSignal;
}

/** This process in PipeWire's graph: a node with one input, which takes pictures. */
export class StreamNode {
  readonly #connection: PipeWireConnection;
  readonly #pool: MemoryPool;
  readonly #listener: NodeListener;
  readonly #peers = new Map<number, Peer>();
  readonly #returned: number[] = [];
  #own: { readonly record: ActivationRecord; readonly signals: readonly EventSignal[] } | undefined;
  #format: StreamFormat | undefined;
  #buffers: readonly StreamBuffer[] = [];
  /** `struct spa_io_buffers`: status, and the number of a buffer. */
  #io: Int32Array | undefined;

  constructor(connection: PipeWireConnection, pool: MemoryPool, listener: NodeListener) {
    this.#connection = connection;
    this.#pool = pool;
    this.#listener = listener;
  }

  /** Asks for the node. */
  create(properties: Readonly<Record<string, string>>): void {
    const { kind, id, method } = CLIENT_NODE;
    this.#connection.createObject(kind, id, properties);
    this.#connection.send(id, method.update, describeNode(properties));
    this.#connection.send(id, method.portUpdate, describePort(undefined));
    this.#connection.send(id, method.setActive, setActive(true));
  }

  /** @throws {DmaBufError} `EPROTO` or `EOPNOTSUPP`, which end the connection */
  handle({ opcode, values, takeFd }: NativeEvent): void {
    const numberAt = (index: number): number => readNumber(values[index]);
    if (opcode === EVENT.transport) this.#setTransport(values, takeFd);
    else if (opcode === EVENT.setIo) this.#setIo(values);
    else if (opcode === EVENT.command) this.#command(readObject(values[0]).id);
    else if (opcode === EVENT.portSetParameter && numberAt(2) === PARAMETER.format) this.#setFormat(values[4]);
    else if (opcode === EVENT.portUseBuffers) this.#useBuffers(values);
    else if (opcode === EVENT.portSetIo && numberAt(3) === IO.buffers) this.#setPortIo(values);
    else if (opcode === EVENT.setActivation) this.#setActivation(values, takeFd);
  }

  close(): void {
    const signals = [...(this.#own?.signals ?? []), ...[...this.#peers.values()].map(({ signal }) => signal)];
    this.#own = undefined;
    this.#io = undefined;
    this.#peers.clear();
    runAllSteps(
      signals.map((signal) => () => signal.close()),
      'The signals of PipeWire could not be closed',
    );
  }

  #setTransport(values: readonly Pod[], takeFd: NativeEvent['takeFd']): void {
    if (this.#own !== undefined) throw protocolError('it gives a second transport');
    const signals = [new EventSignal(takeFd(values[0])), new EventSignal(takeFd(values[1]))] as const;
    try {
      const record = new ActivationRecord(this.#regionAt(values, 2));
      record.announceVersion();
      this.#own = { record, signals };
    } catch (error) {
      for (const signal of signals) signal.close();
      throw error;
    }
    signals[0]
      .receive(() => this.#cycle())
      .catch((error: unknown) => {
        if (this.#own !== undefined) this.#connection.end(error);
      });
  }

  #setIo(values: readonly Pod[]): void {
    if (readNumber(values[0]) !== IO.position || readNumber(values[1]) === NONE) return;
    this.#own?.record.followDriver(driverIdOf(this.#regionAt(values, 1)));
  }

  #command(command: number): void {
    if (command === COMMAND.start) this.#own?.record.start();
    if (command === COMMAND.pause || command === COMMAND.suspend) this.#own?.record.stop();
  }

  #setFormat(value: Pod | undefined): void {
    this.#format = value !== undefined && isObject(value) ? readFormat(value) : undefined;
    this.#buffers = [];
    this.#returned.length = 0;
    const { id, method } = CLIENT_NODE;
    this.#connection.send(id, method.portUpdate, describePort(this.#format));
  }

  #useBuffers(values: readonly Pod[]): void {
    this.#buffers = readBuffers(values.slice(4), this.#pool);
    this.#returned.length = 0;
  }

  #setPortIo(values: readonly Pod[]): void {
    this.#io = undefined;
    if (readNumber(values[4]) === NONE) return;
    const region = this.#regionAt(values, 4);
    if (region.size < IO_BUFFERS_BYTES) throw protocolError(`an area for buffers has ${region.size} bytes`);
    this.#io = wordsOf({ ...region, size: IO_BUFFERS_BYTES });
    this.#askForData(NO_BUFFER);
  }

  #setActivation(values: readonly Pod[], takeFd: NativeEvent['takeFd']): void {
    const node = readNumber(values[0]);
    this.#peers.get(node)?.signal.close();
    this.#peers.delete(node);
    if (readNumber(values[2]) === NONE) return;
    if (this.#peers.size >= PEERS_MAX) throw protocolError(`${PEERS_MAX} nodes wait already`);
    const signal = new EventSignal(takeFd(values[1]));
    try {
      this.#peers.set(node, { record: new ActivationRecord(this.#regionAt(values, 2)), signal });
    } catch (error) {
      signal.close();
      throw error;
    }
  }

  /** A memory's number, an offset and a size, from `index` on. */
  #regionAt(values: readonly Pod[], index: number): ReturnType<MemoryPool['region']> {
    return this.#pool.region(readNumber(values[index]), readNumber(values[index + 1]), readNumber(values[index + 2]));
  }

  /** One turn of the graph (process_node of src/pipewire/impl-node.c). */
  #cycle(): void {
    const own = this.#own;
    if (own?.record.awake() !== true) return;
    try {
      this.#takePicture();
    } catch (error) {
      this.#connection.end(error);
      return;
    }
    if (!own.record.finish()) return;
    for (const { record, signal } of this.#peers.values()) if (record.countDown()) signal.send();
  }

  #takePicture(): void {
    if (this.#io === undefined) return;
    const [status, number] = [Atomics.load(this.#io, 0), Atomics.load(this.#io, 1)];
    if (status !== STATUS.haveData) return;
    this.#askForData(this.#returned.shift() ?? NO_BUFFER);
    const buffer = this.#buffers[number];
    if (buffer === undefined || this.#format === undefined)
      throw protocolError(`it fills buffer ${number}, which is none`);
    const layout = layOutBuffer(buffer, this.#format);
    const buffers = this.#buffers;
    const give = (): void => {
      // Buffers that were replaced meanwhile are nobody's.
      if (this.#buffers === buffers) this.#returned.push(number);
    };
    if (layout === undefined) give();
    else this.#listener.picture(layout, give);
  }

  /** @param returned the number of a buffer that may be filled again */
  #askForData(returned: number): void {
    if (this.#io === undefined) return;
    Atomics.store(this.#io, 1, returned);
    Atomics.store(this.#io, 0, STATUS.needData);
  }
}
