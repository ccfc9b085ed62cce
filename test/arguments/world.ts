/** One of everything that the package hands out, with its members. */

import * as embedded from '../../src/backend/embedded/embedded-heap.ts';
import { runAllSteps } from '../../src/base/cleanup.ts';
import * as main from '../../src/index.ts';
import { connectionFromFd } from '../../src/share/connection/adopt-connection.ts';
import type { DescriptorStream } from '../../src/share/stream/descriptor-stream.ts';
import type { BufferConnection } from '../../src/share/connection/buffer-connection.ts';
import * as blit from '../../src/blit/index.ts';
import * as picture from '../../src/picture/index.ts';
import * as drm from '../../src/drm/index.ts';
import * as gstreamer from '../../src/gstreamer/index.ts';
import * as pipewire from '../../src/pipewire/index.ts';
import * as pool from '../../src/pool/index.ts';
import * as importer from '../../src/heap/importer/index.ts';
import * as wasm from '../../src/heap/wasm/index.ts';
import * as sg from '../../src/sg/index.ts';
import * as share from '../../src/share/index.ts';
import * as wayland from '../../src/wayland/index.ts';
import * as v4l2 from '../../src/v4l2/index.ts';
import * as ring from '../../src/share/ring/index.ts';
import * as trace from '../../src/trace/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { abstractPath } from './abstract-path.ts';
import { openPipeline } from './open-pipeline.ts';

/** The entry points of the package, by their source. */
export const ENTRY_POINTS: Readonly<Record<string, object>> = {
  'src/index.ts': main,
  'src/backend/embedded/embedded-heap.ts': embedded,
  'src/share/index.ts': share,
  'src/picture/index.ts': picture,
  'src/pipewire/index.ts': pipewire,
  'src/pool/index.ts': pool,
  'src/drm/index.ts': drm,
  'src/gstreamer/index.ts': gstreamer,
  'src/blit/index.ts': blit,
  'src/sg/index.ts': sg,
  'src/heap/wasm/index.ts': wasm,
  'src/heap/importer/index.ts': importer,
  'src/share/ring/index.ts': ring,
  'src/v4l2/index.ts': v4l2,
  'src/trace/index.ts': trace,
  'src/wayland/index.ts': wayland,
};

const CAPS = 'video/x-raw,format=GRAY8,width=60,height=64';
/** A handful of buffers. */
const CAPACITY = 4 * main.MiB;

/** The classes whose instances {@link World.instance} gives. */
export const CLASS_NAMES: readonly string[] =
  'EmbeddedHeap DmaBuf ArenaPages BufferView CpuAccess Attachment WorkerBuffer WasmSpace BufferInWasm SyncFile Fence SgTable SgRuns PageList DmaBufError OwnedFd FrameDescription FrameLayout PlaneView FramePool FrameUse Suballocator Suballocation Blitter JpegDecoder BufferConnection DescriptorStream BufferListener ReceivedMessage FrameRing WritableFrame RingConsumer RingFrame TraceAnalysis FrameServer PipelineClient PipelineFrames PipelineFrame'.split(
    ' ',
  );

/** Classes that need a device, a compositor or PipeWire: their own tests have arguments. */
export const DEVICE_CLASS_NAMES: readonly string[] = [
  'Camera',
  'CameraFrame',
  'CameraFrames',
  'ConverterInput',
  'DeviceEvents',
  'Display',
  'ExperimentalPipeWireFrame',
  'ExperimentalPipeWireFrames',
  'Framebuffer',
  'MappingRecording',
  'OutputFrame',
  'VideoControls',
  'VideoConverter',
  'VideoOutput',
  'Window',
];

/** A buffer in the place of earlier ones. */
export interface Replacement {
  readonly buffer: main.DmaBuf;
  /** Its owner. */
  readonly owner: World;
}

interface WorldOptions {
  readonly shareable: boolean;
}

/**
 * Everything open, on one heap. Objects are made on request, and {@link World.close} closes them,
 * together with the results of a test's calls that {@link World.keep} was given.
 */
export class World {
  readonly pageSize: number;
  readonly options: WorldOptions;
  readonly #closables: { close(): void }[] = [];
  readonly #made = new Map<string, object>();
  #controller = new AbortController();

  readonly #makers: Readonly<Record<string, () => Promise<object> | object>> = {
    TraceAnalysis: () => new trace.TraceAnalysis(),
    DmaBuf: () => this.buffer,
    ArenaPages: () => this.heap.arena,
    BufferView: () => this.view,
    CpuAccess: () => {
      const access = this.buffer.beginCpuAccessSync('readwrite');
      this.keep({ close: () => access.end() });
      return access;
    },
    Attachment: () => {
      const attachment = this.buffer.attach({ name: 'device' });
      this.keep({ close: () => attachment.detach() });
      return attachment;
    },
    WorkerBuffer: () => this.keep(main.openHandle(this.buffer.toHandle())),
    WasmSpace: () => this.space,
    BufferInWasm: () => this.keep(this.space.map(this.buffer)),
    SyncFile: () => this.syncFile,
    Fence: () => this.fence,
    SgTable: () => this.table,
    SgRuns: () => this.table.runs(),
    PageList: () => sg.createPageList(16),
    DmaBufError: () => new main.DmaBufError('refused', { code: 'ENOMEM' }),
    OwnedFd: () => this.ownedFd(),
    FrameDescription: () => this.frame,
    FrameLayout: () => this.frameLayout,
    PlaneView: () => this.keep(this.frameLayout.plane(0)),
    FramePool: () => this.framePool,
    FrameUse: () => {
      const frame = this.framePool.acquire();
      this.keep({ close: () => frame.release() });
      return frame;
    },
    Suballocator: () => this.suballocator,
    Suballocation: () => this.suballocation,
    Blitter: () => this.blitter,
    JpegDecoder: () => this.keep(picture.createJpegDecoder()),
    BufferConnection: () => this.connections[0],
    DescriptorStream: () => this.#openStream(),
    BufferListener: async () => this.keep(await share.listen(abstractPath())),
    ReceivedMessage: () => this.#receive(),
    FrameRing: () => this.ring,
    WritableFrame: () => {
      const frame = this.ring.acquire();
      this.keep({ close: () => frame.discard() });
      return frame;
    },
    RingConsumer: () => this.#consume(),
    RingFrame: () => this.#takeFrame(),
    FrameServer: async () => (await this.#openPipeline()).server,
    PipelineClient: async () => (await this.#openPipeline()).client,
    PipelineFrames: async () => (await this.#openPipeline()).frames,
    PipelineFrame: () => this.#receivePipelineFrame(),
  };

  constructor(options: WorldOptions) {
    this.options = options;
    this.pageSize = this.keep(openHeap()).pageSize;
    this.#made.set('EmbeddedHeap', this.#closables[0] as embedded.EmbeddedHeap);
  }

  /** Aborts by {@link World.abort}, after which there is another one. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get heap(): embedded.EmbeddedHeap {
    return this.#made.get('EmbeddedHeap') as embedded.EmbeddedHeap;
  }

  /** Two pages, filled with 0x11. */
  get buffer(): main.DmaBuf {
    return this.#once('DmaBuf', () => this.newBuffer(0x11));
  }

  get view(): main.BufferView {
    return this.#once('BufferView', () => this.buffer.vmap());
  }

  get handle(): main.BufferHandle {
    const handle = this.buffer.toHandle();
    this.keep({ close: () => void main.discardHandle(handle) });
    return { ...handle };
  }

  get table(): sg.SgTable {
    return this.#once('SgTable', () => sg.SgTable.fromEntries([{ pfn: 8, offset: 0, length: 2 * 4096 }]));
  }

  get fence(): importer.Fence {
    return this.#once('Fence', () => {
      const fence = new importer.Fence('work');
      // Waits for it without a signal end with the world.
      this.keep({ close: () => void importer.Fence.prototype.signal.call(fence) });
      return fence;
    });
  }

  get syncFile(): main.SyncFile {
    return this.#once('SyncFile', () => new main.SyncFile(this.ownedFd()));
  }

  get space(): wasm.WasmSpace {
    return this.#once('WasmSpace', () => wasm.createWasmSpace({ length: 256 * main.KiB }));
  }

  /** Of a page. */
  get frame(): picture.FrameDescription {
    return picture.describeFrame('R8', { width: 60, height: 64, stride: 64 });
  }

  get frameLayout(): picture.FrameLayout {
    return this.#once('FrameLayout', () => new picture.FrameLayout(this.frame, [this.buffer]));
  }

  get framePool(): pool.FramePool {
    return this.#once('FramePool', () => pool.createFramePool(this.heap, { layout: this.frame, count: 2 }));
  }

  get suballocator(): pool.Suballocator {
    return this.#once('Suballocator', () => pool.createSuballocator(this.heap, { chunkLength: 64 * main.KiB }));
  }

  get suballocation(): pool.Suballocation {
    const made = this.suballocator.allocate(100);
    this.keep({ close: () => made.free() });
    return made;
  }

  get blitter(): blit.Blitter {
    return this.#once('Blitter', () => blit.createBlitter({ length: 256 * main.KiB }));
  }

  /** What a blitter takes: two pages. */
  get picture(): picture.FrameLayout {
    const description = picture.describeFrame('RGB565', { width: 64, height: 64 });
    return new picture.FrameLayout(description, [this.newBuffer(0x22)]);
  }

  /** As files have them. */
  get rgbPicture(): picture.FrameLayout {
    const description = picture.describeFrame('BGR888', { width: 16, height: 16 });
    return new picture.FrameLayout(description, [this.newBuffer(0x22)]);
  }

  /** As a decoder writes them. */
  get rgbaPicture(): picture.FrameLayout {
    const description = picture.describeFrame('ABGR8888', { width: 16, height: 16 });
    return new picture.FrameLayout(description, [this.newBuffer(0x33)]);
  }

  get ring(): ring.FrameRing {
    return this.#once('FrameRing', () =>
      ring.createFrameRing(this.heap, { layout: this.frame, frameCount: 8, writableMax: 4 }),
    );
  }

  get connections(): readonly [BufferConnection, BufferConnection] {
    const pair = this.#once('BufferConnection', () => {
      const [one, other] = new ShareContext().sockets.createPair();
      return Object.assign(connectionFromFd(one), { other: this.keep(connectionFromFd(other)) });
    });
    return [pair, pair.other];
  }

  #openStream(): DescriptorStream {
    const [one, other] = new ShareContext().streams.createPair();
    this.keep(other);
    const stream = share.streamFromFd(one);
    // What it is told by calls that fail is no event's business here.
    stream.on('error', () => {});
    this.keep({ close: () => void stream.destroy() });
    return stream;
  }

  /** A descriptor of a buffer, for any kind of buffers. */
  ownedFd(): main.OwnedFd {
    return this.keep(this.keep(this.heap.allocate(this.pageSize, { shareable: true })).exportFd());
  }

  newBuffer(byte: number): main.DmaBuf {
    const buffer = this.keep(this.heap.allocate(2 * this.pageSize, { shareable: this.options.shareable }));
    buffer.accessSync('write', (bytes) => bytes.fill(byte));
    return buffer;
  }

  /** The object whose members are called, by the name of its class. */
  async instance(name: string): Promise<object> {
    const made = this.#made.get(name) ?? (await this.#make(name));
    this.#made.set(name, made);
    return made;
  }

  keep<Closable extends { close(): void }>(closable: Closable): Closable {
    this.#closables.push(closable);
    return closable;
  }

  /** Closes everything, the last first. Idempotent. */
  close(): void {
    closeAll(this.#closables.splice(0));
  }

  /** Ends all waits. */
  abort(reason: Error): void {
    this.#controller.abort(reason);
    this.#controller = new AbortController();
  }

  /**
   * Closes everything, with the heap or without, and gives its place to another owner: the same
   * memory, and the same descriptors.
   */
  replace(byte: number, what: 'everything' | 'all but the heap'): Replacement {
    if (what === 'everything') {
      this.close();
      const owner = new World(this.options);
      return { buffer: owner.newBuffer(byte), owner };
    }
    const [heap, ...others] = this.#closables.splice(0);
    if (heap !== undefined) this.#closables.push(heap);
    closeAll(others);
    return { buffer: this.newBuffer(byte), owner: this };
  }

  #once<Made extends object>(name: string, make: () => Made): Made {
    const made = (this.#made.get(name) as Made | undefined) ?? make();
    if (!this.#made.has(name) && isClosable(made)) this.keep(made);
    this.#made.set(name, made);
    return made;
  }

  async #make(name: string): Promise<object> {
    const make = this.#makers[name];
    if (make === undefined) throw new Error(`There is no ${name} in test/arguments/world.ts`);
    return await make();
  }

  async #receive(): Promise<object> {
    const [one, other] = this.connections;
    await one.send({ message: 'text' });
    return this.keep((await other.receive()) as share.ReceivedMessage);
  }

  async #openPipeline(): ReturnType<typeof openPipeline> {
    const pipeline = await openPipeline(abstractPath(), CAPS);
    this.keep({ close: () => (pipeline.server.close(), pipeline.frames.stop()) });
    return pipeline;
  }

  async #receivePipelineFrame(): Promise<gstreamer.PipelineFrame> {
    const { server, frames } = await this.#openPipeline();
    const buffer = this.keep(this.heap.allocate(this.frame.length, { shareable: true }));
    server.send(new picture.FrameLayout(this.frame, [buffer]));
    return this.keep((await frames.next()).value as gstreamer.PipelineFrame);
  }

  async #consume(): Promise<ring.RingConsumer> {
    // Made before any wait: closed objects cannot be made, and a wait would not be noticed.
    const { ring: frames, connections, signal } = this;
    const [one, other] = connections;
    const [consumer] = await Promise.all([
      ring.joinFrameRing(other, { mode: 'every', signal }),
      frames.addConsumer(one, { signal }),
    ]);
    return this.keep(consumer);
  }

  async #takeFrame(): Promise<object> {
    const consumer = (await this.instance('RingConsumer')) as ring.RingConsumer;
    this.ring.acquire().publish();
    const frame = consumer.tryNext();
    if (frame === undefined) throw new Error('What was published is there');
    this.keep({ close: () => frame.release() });
    return frame;
  }
}

const ENDINGS = ['end', 'detach', 'release', 'discard', 'close', Symbol.dispose] as const;

/** Releases every object of the package, by each name that its class has for that. */
export function endAnyhow(object: object): void {
  const steps = ENDINGS.map((name) => () => {
    const end: unknown = Reflect.get(object, name);
    if (typeof end === 'function') Reflect.apply(end, object, []);
  });
  runAllSteps(steps, 'Several ways to end something failed');
}

/** The last first. */
function closeAll(closables: readonly { close(): void }[]): void {
  const steps = closables.toReversed().map((closable) => () => closable.close());
  runAllSteps(steps, 'Several things of a world could not be closed');
}

function openHeap(): embedded.EmbeddedHeap {
  return embedded.openEmbeddedHeap({ capacity: CAPACITY, cached: 64 * main.KiB });
}

function isClosable(value: object): value is { close(): void } {
  return 'close' in value && typeof value.close === 'function';
}
