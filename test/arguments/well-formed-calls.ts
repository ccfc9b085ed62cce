/**
 * Valid arguments for everything public that can be called, which the tests of this folder make
 * hostile.
 */

import { fileURLToPath } from 'node:url';

import { MiB } from '../../src/index.ts';
import { createPageList } from '../../src/sg/index.ts';
import type { PlaneView } from '../../src/picture/index.ts';
import { abstractPath } from './abstract-path.ts';
import type { World } from './world.ts';

/** Well-formed arguments, made for a call. */
type Row = (world: World) => unknown[] | Promise<unknown[]>;

const nothing: Row = () => [];
const withSignal: Row = ({ signal }) => [{ signal }];
/** Gives what it got, to be looked at. */
const body = (bytes: Uint8Array): Uint8Array => bytes;
/** The same of a picture. */
const planesBody = ([plane]: readonly PlaneView[]): Uint8Array | undefined => plane?.bytes;
const access: Row = ({ signal }) => ['readwrite', body, { signal }];
const accessSync: Row = () => ['readwrite', body, { block: false }];
/** Anew each time: what is tried on one call changes its arguments. */
const rectangle = (): object => ({ x: 2, y: 2, width: 32, height: 16 });
const colors = (): object => ({ encoding: 'bt709', range: 'full' });
const blitArguments = (world: World, waiting: object): unknown[] => [
  world.picture,
  world.picture,
  {
    sourceRectangle: rectangle(),
    destinationRectangle: rectangle(),
    filter: 'bilinear',
    flip: 'horizontal',
    rotate: 90,
    sourceColors: colors(),
    destinationColors: colors(),
    ...waiting,
  },
];
/** A folder without C files. */
const SOURCES = fileURLToPath(new URL('../../../docs/schemas', import.meta.url));
const mappingRecord = (): object => ({
  kind: 'mapping',
  form: 'event',
  line: 1,
  path: ['dma_buf_vmap'],
  modules: [{ name: 'npu', functions: ['npu_map'] }],
});
const ignoreText = (): void => {};
const stdio = (): string[] => ['ignore', 'ignore', 'ignore'];

/**
 * Not for users, although they can be reached: they are in no type, and their callers have checked
 * the arguments.
 */
export const INTERNAL: ReadonlySet<string> = new Set([
  'DescriptorStream#_read',
  'DescriptorStream#_write',
  'DescriptorStream#_final',
  'DescriptorStream#_destroy',
  'DescriptorStream#writeUnlessGone',
  'PipelineClient#send',
  'PipelineClient#endStream',
  'PipelineFrame#delivered',
  'openCheckedEmbeddedHeap',
  'readEmbeddedHeapOptions',
  'new ArenaPages',
  'new EmbeddedHeap',
  'SgTable.fromChunks',
  'Heap#buffers',
  'EmbeddedHeap#buffers',
  'Fence.isFence',
  'Fence.isSignaled',
  'Fence.addCallback',
  'Fence.waitFor',
  'SyncFile.isSyncFile',
  'SyncFile.borrowFrom',
  'Heap.isHeap',
  'OwnedFd.isOwnedFd',
  'new OwnedFd',
  'OwnedFd#closeWhenCollected',
  'SgTable.isTable',
  'PageList#fill',
  'FrameDescription.isDescription',
  'FrameLayout.isLayout',
  'TraceAnalysis#addChecked',
]);

const FUNCTIONS: Readonly<Record<string, Row>> = {
  openHeap: () => [
    'system',
    {
      backends: ['embedded'],
      contiguous: false,
      largest: MiB,
      require: ['share'],
      shareable: true,
      trackAllocations: false,
      embedded: {
        capacity: MiB,
        cached: 0,
        orders: [4, 0],
        contiguous: false,
        shareable: true,
        trackAllocations: false,
      },
    },
  ],
  openEmbeddedHeap: () => [
    {
      capacity: MiB,
      cached: 0,
      orders: [4, 0],
      contiguous: false,
      fragmentation: { mix: 'single-pages', length: 65_536, seed: 1 },
      trackAllocations: true,
    },
  ],
  isOrderMixName: () => ['huge'],
  importBuffer: (world) => [world.ownedFd(), { name: 'imported' }],
  createUdmabuf: (world) => [
    [
      { fd: world.ownedFd(), offset: 0, length: world.pageSize },
      { fd: world.ownedFd(), offset: 0, length: world.pageSize },
    ],
    { name: 'ranges' },
  ],
  listHeaps: nothing,
  listDisplays: nothing,
  openDisplay: () => [
    {
      path: '/dev/dri/no-such-card',
      driver: 'vc4',
      connector: 'HDMI-A-1',
      mode: { width: 640, height: 480, refreshHz: 60 },
      api: 'atomic',
    },
  ],
  listCameras: nothing,
  listVideoDevices: nothing,
  describeVideoDevice: () => ['/dev/no-such-camera'],
  openVideoControls: () => ['/dev/no-such-camera'],
  openCamera: (world) => [
    '/dev/no-such-camera',
    {
      width: 640,
      height: 480,
      format: 'YUYV',
      stride: 1280,
      rate: 30,
      adjust: true,
      buffers: [world.buffer, [world.buffer]],
      input: 0,
      takeTimings: false,
      followSource: false,
      reconnect: false,
    },
  ],
  openVideoOutput: (world) => [
    '/dev/no-such-output',
    { width: 640, height: 480, format: 'NV12', buffers: 4, heap: world.heap, output: 'HDMI' },
  ],
  openVideoConverter: (world) => [
    '/dev/no-such-converter',
    {
      input: { width: 640, height: 480, format: 'RGB565', buffers: [world.buffer, [world.buffer]] },
      output: { width: 320, height: 240, format: 'YUYV', stride: 640, adjust: true, buffers: 2, heap: world.heap },
    },
  ],
  openHandle: (world) => [world.handle],
  discardHandle: (world) => [world.handle],
  createWasmSpace: () => [{ length: 65_536, scratch: 0, shared: true }],
  'new Fence': () => ['work'],
  'new SyncFile': (world) => [world.ownedFd()],
  'SyncFile.fromFd': (world) => [world.ownedFd()],
  // What is open, somebody owns: it would be closed twice.
  'OwnedFd.adopt': () => [2 ** 31 - 1],
  'new SgTable': (world) => [world.table, 4096],
  'SgTable.fromEntries': () => [
    [
      { pfn: 1, offset: 0, length: 4096 },
      { pfn: 9, offset: 0, length: 4096 },
    ],
    { pageSize: 4096 },
  ],
  'SgTable.fromPages': () => [[1, 2, 9], { offset: 0, size: 3 * 4096, maxSegment: 8192, pageSize: 4096 }],
  pagesByPage: (world) => [world.table, { width: 4, out: new Uint32Array(4), pages: 2 }],
  pagesByEntry: (world) => [world.table, { width: 8, out: createPageList(4, 8), pages: 2 }],
  createPageList: () => [16, 8],
  vmapBatches: () => [[1, 2, 9], { name: 'arm64', pageShift: 12, pmdShift: 21, contiguousPteShift: 16 }],
  formatSize: () => [4096],
  parseSize: () => ['4KiB'],
  'new DmaBufError': () => ['refused', { code: 'ENOMEM', syscall: 'mmap', values: { length: 1 }, cause: undefined }],
  isDmaBufError: () => [new Error('other'), 'ENOMEM'],
  listen: ({ signal }) => [abstractPath(), { backlog: 1, signal }],
  connect: ({ signal }) => [abstractPath(), { signal }],
  connectionFromFd: (world) => [world.ownedFd()],
  describeVideoFrame: () => ['video/x-raw,format=NV12,width=640,height=480'],
  openWindow: ({ signal }) => [{ title: 'a title', width: 64, height: 64, display: abstractPath(), signal }],
  captureScreen: ({ heap, signal }) => [heap, { display: abstractPath(), signal }],
  experimentalReceivePipeWireFrames: ({ signal }) => [
    { target: 'camera', name: 'viewer', remote: abstractPath(), signal },
  ],
  receiveFrames: ({ signal }) => [abstractPath(), { backlog: 2, importsMax: 4, signal }],
  serveFrames: ({ signal }) => [
    abstractPath(),
    { caps: 'video/x-raw,format=NV12,width=640,height=480', heldMax: 4, padded: true, signal },
  ],
  connectStream: ({ signal }) => [abstractPath(), { signal }],
  streamFromFd: (world) => [world.ownedFd()],
  exportSharedTexture: (world) => [world.rgbaPicture],
  buffersForChild: (world) => [[world.buffer], { stdio: stdio() }],
  takeInheritedBuffers: () => [{ env: { DMABUF_INHERITED_BUFFERS: '[]' } }],
  supervisorSockets: () => [{ env: { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'camera' } }],
  connectionForChild: () => [{ stdio: stdio() }],
  takeInheritedConnection: () => [{ env: { DMABUF_INHERITED_CONNECTION: '1000000' } }],
  describeFrame: () => ['NV12', { width: 9, height: 8, stride: [16, 32], heightAlignment: 16, planeAlignment: 64 }],
  'new FrameDescription': () => [
    {
      width: 8,
      height: 8,
      fourcc: 0x2020_3852,
      modifier: 0n,
      planes: [{ bufferIndex: 0, offset: 0, stride: 8, length: 64 }],
    },
  ],
  'new FrameLayout': (world) => [world.frame, [world.buffer]],
  encodePng: (world) => [world.rgbPicture, { signal: world.signal }],
  createJpegDecoder: nothing,
  'JpegDecoder#decode': (world) => [Uint8Array.of(0xff, 0xd8), world.rgbaPicture, { signal: world.signal }],
  findPixelFormat: () => ['NV12'],
  findV4l2PixelFormat: () => [0x3231_4d4e],
  parseFourcc: () => ['NV12'],
  formatFourcc: () => [0x3231_564e],
  createFrameRing: (world) => [
    world.heap,
    { layout: world.frame, frameLength: 5000, frameCount: 4, metadataBytes: 8, writableMax: 1 },
  ],
  joinFrameRing: (world) => [world.connections[1], { mode: 'every', heldMax: 1, signal: world.signal }],
  readTrace: ({ signal }) => [[Uint8Array.of(10)], { file: 'dmesg.txt', signal }],
  recordMappings: () => [{ bufferBytes: 65_536 }],
  readTraceFile: ({ signal }) => ['/dev/null', { signal }],
  findSourceCallers: ({ signal }) => [SOURCES, { depthMax: 1, signal, onProgress: ignoreText }],
  // A device is refused: nothing is written.
  writeTraceParquet: ({ signal }) => ['/dev/null', [mappingRecord()], { device: 'cam-1', build: '2.0', signal }],
  reportFleet: ({ signal }) => [['/dev/null'], { since: '1.0', build: '2.0', signal }],
  'new TraceAnalysis': nothing,
  createFramePool: (world) => [
    world.heap,
    { length: 5000, layout: world.frame, count: 2, name: 'frame', shareable: false },
  ],
  createSuballocator: (world) => [
    world.heap,
    {
      chunkLength: 8192,
      lengthMax: 65_536,
      granule: 64,
      zeroed: true,
      idleChunksMax: 1,
      name: 'chunk',
      shareable: false,
    },
  ],
  createBlitter: () => [{ length: 65_536 }],
};

const METHODS: Readonly<Record<string, Row>> = {
  'Blitter#blit': (world) => blitArguments(world, { signal: world.signal }),
  'Blitter#blitSync': (world) => blitArguments(world, { block: false }),
  'Blitter#unmap': (world) => [world.buffer],
  'Suballocator#allocate': () => [100, { alignment: 4096 }],
  'Suballocator#free': (world) => [world.suballocation],
  'EmbeddedHeap#allocate': () => [100, { name: 'frame', shareable: false, traceLayout: false }],
  'ArenaPages#read': () => [0],
  'ArenaPages#write': () => [0, Uint8Array.of(0x5a)],
  'DmaBuf#setName': () => ['renamed'],
  'DmaBuf#vmap': (world) => [{ populate: true, readOnly: false, offset: 0, length: world.pageSize }],
  'DmaBuf#access': access,
  'DmaBuf#accessSync': accessSync,
  'DmaBuf#measureReadSpeed': withSignal,
  'DmaBuf#beginCpuAccess': ({ signal }) => ['readwrite', { signal }],
  'DmaBuf#beginCpuAccessSync': () => ['readwrite', { block: false }],
  'DmaBuf#attach': () => [{ name: 'device', beginCpuAccess: () => {}, endCpuAccess: () => {} }],
  'DmaBuf#addFence': (world) => [world.fence, 'write'],
  'DmaBuf#fences': () => ['read'],
  'DmaBuf#ready': ({ signal }) => ['read', { signal }],
  'DmaBuf#exportSyncFile': () => ['read'],
  'DmaBuf#importSyncFile': (world) => [world.syncFile, 'read'],
  'BufferView#subarray': (world) => [0, world.pageSize],
  'BufferView#as': (world) => [Uint32Array, 0, world.pageSize],
  'BufferView#dataView': (world) => [0, world.pageSize],
  'BufferView#buffer': (world) => [0, world.pageSize],
  'BufferView#copyOut': (world) => [0, world.pageSize],
  'CpuAccess#subarray': (world) => [0, world.pageSize],
  'Attachment#map': withSignal,
  'WorkerBuffer#access': access,
  'WorkerBuffer#accessSync': accessSync,
  'WorkerBuffer#beginCpuAccess': ({ signal }) => ['readwrite', { signal }],
  'WorkerBuffer#beginCpuAccessSync': () => ['readwrite', { block: false }],
  'WorkerBuffer#ready': ({ signal }) => ['read', { signal }],
  'WasmSpace#map': (world) => [world.buffer, { populate: true }],
  'SyncFile#wait': withSignal,
  'SyncFile#merge': (world) => [world.syncFile, 'both'],
  'Fence#signal': () => [new Error('failed')],
  'Fence#onSignal': () => [() => {}],
  'Fence#wait': withSignal,
  'SgTable#appendPages': () => [[10, 11], { size: 8192, maxSegment: 8192 }],
  'SgTable#entry': () => [0],
  'SgRuns#run': () => [0],
  'FrameLayout#plane': () => [0, { populate: true }],
  'FrameLayout#access': ({ signal }) => ['readwrite', planesBody, { signal }],
  'FrameLayout#accessSync': () => ['readwrite', planesBody, { block: false }],
  'PlaneView#row': () => [1],
  'PlaneView#copyIn': () => [new Uint8Array(60 * 64)],
  'FrameUse#plane': () => [0],
  'WritableFrame#plane': () => [0],
  'RingFrame#plane': () => [0],
  'FramePool#acquireWhenFree': withSignal,
  'BufferConnection#whenPeerCloses': withSignal,
  'BufferConnection#send': (world) => [
    { message: 'text', buffers: [world.buffer], syncFiles: [world.syncFile], frame: world.frameLayout },
    { signal: world.signal },
  ],
  'BufferConnection#trySend': (world) => [{ message: Uint8Array.of(1), buffers: [world.buffer] }],
  'BufferConnection#receive': withSignal,
  'DescriptorStream#writeWithFds': (world) => [Uint8Array.of(1), [world.ownedFd()]],
  'DescriptorStream#closeFds': () => [[]],
  'BufferListener#accept': withSignal,
  'FrameServer#send': (world) => [world.frameLayout, { timestampNs: 1n, durationNs: 2n }],
  'FrameServer#whenConnected': withSignal,
  'FrameServer#end': withSignal,
  'FrameRing#acquireWhenFree': withSignal,
  'FrameRing#addConsumer': (world) => [world.connections[0], { block: false, signal: world.signal }],
  'FrameRing#serve': async (world) => [await world.instance('BufferListener'), { block: false }],
  'RingConsumer#next': withSignal,
  'TraceAnalysis#add': () => [mappingRecord()],
  'TraceAnalysis#report': () => [{ byPageNs: 3, byEntryNs: 1 }],
  'WritableFrame#publish': () => [{ metadata: Uint8Array.of(1), timestamp: 1n }],
};

/** Methods without arguments. */
const WITHOUT_ARGUMENTS = `
  EmbeddedHeap#stats EmbeddedHeap#close ArenaPages#freeBlocks
  DmaBuf#layout DmaBuf#exportFd DmaBuf#toHandle DmaBuf#close
  BufferView#close CpuAccess#end Attachment#unmap Attachment#detach
  WorkerBuffer#vmap WorkerBuffer#close WasmSpace#close BufferInWasm#close
  SyncFile#info SyncFile#exportFd SyncFile#close SyncFile#borrowFd
  PlaneView#rows PlaneView#copyOut PlaneView#close
  SgTable#entries SgTable#orders SgTable#runs PageList#fill
  OwnedFd#borrow OwnedFd#take OwnedFd#close OwnedFd#closeAside
  FramePool#acquire FramePool#close FrameUse#release
  Suballocator#trim Suballocator#stats Suballocator#close Suballocation#free Blitter#close JpegDecoder#close
  BufferConnection#close BufferListener#close ReceivedMessage#close
  FrameRing#acquire FrameRing#stats FrameRing#close
  FrameServer#close PipelineClient#close PipelineFrames#next PipelineFrames#return PipelineFrames#stop
  PipelineFrame#close WritableFrame#discard RingConsumer#tryNext RingConsumer#close RingFrame#release
`;

/** Members of every class that take no arguments. */
const SYMBOLS = [
  Symbol.dispose,
  Symbol.asyncDispose,
  Symbol.iterator,
  Symbol.asyncIterator,
  Symbol.for('nodejs.util.inspect.custom'),
];

const WITHOUT: ReadonlySet<string> = new Set(WITHOUT_ARGUMENTS.trim().split(/\s+/u));

/** Undefined for a member that is not listed here. */
export function argumentsOf(name: string): Row | undefined {
  const row = FUNCTIONS[name] ?? METHODS[name];
  if (row !== undefined) return row;
  const isSymbol = SYMBOLS.some((symbol) => name.endsWith(`#${String(symbol)}`));
  return WITHOUT.has(name) || isSymbol ? nothing : undefined;
}
