/** What the lab tells its page, as JSON. Sizes in bytes. */

/** The views, as the page's paths have them. */
export const VIEW_NAMES = ['heap', 'machine', 'convert', 'camera', 'workloads', 'callers'] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** The first of a stream. */
export interface HelloMessage {
  readonly type: 'hello';
  /** Of the package. */
  readonly version: string;
  /** Whether the page may start jobs. */
  readonly mayControl: boolean;
  /** The mixes of orders that a job takes. */
  readonly mixes: readonly string[];
  readonly workloads: readonly { readonly name: string; readonly title: string }[];
}

/** The heap, before its blocks. */
export interface HeapShapeMessage {
  readonly type: 'heap-shape';
  readonly name: string;
  readonly pageSize: number;
  readonly pageCount: number;
}

/** A buffer in the heap's picture. */
export interface BufferFacts {
  /** Its value in the picture, from 1. */
  readonly owner: number;
  /** Its name, or what stands for one. */
  readonly label: string;
  readonly bytes: number;
  readonly entryCount: number;
  readonly runCount: number;
  /** How many entries there are of each order, such as {"8": 3}. */
  readonly orders: Readonly<Record<string, number>>;
  /** Views, access brackets and other mappings of it. */
  readonly viewCount: number;
  /** Importers that are attached, and waits for fences. */
  readonly importerCount: number;
  /** Handles that other threads hold, or may still open. */
  readonly handleCount: number;
  readonly isMapped: boolean;
  /** Whether its user has closed it, and something else still holds it. */
  readonly isClosed: boolean;
}

/** The heap's figures. */
export interface HeapFactsMessage {
  readonly type: 'heap-facts';
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly committedBytes: number;
  readonly cachedBytes: number;
  readonly bufferCount: number;
  /** Free blocks of each order from 0 up. */
  readonly freeBlockCounts: readonly number[];
  readonly hugePages: string;
  /** The largest, at most {@link BUFFERS_TOLD_MAX}. */
  readonly buffers: readonly BufferFacts[];
}
export const BUFFERS_TOLD_MAX = 200;

/** The dma-bufs of this machine, as "dmabuf ls --json" has them. */
interface MachineMessage {
  readonly type: 'machine';
  readonly snapshot: SnapshotFacts;
}

/** The part of docs/schemas/dmabuf-buffers.schema.json that the page reads. */
export interface SnapshotFacts {
  readonly takenAt: string;
  readonly gaps: readonly { readonly what: string; readonly remedy: string | null }[];
  readonly buffers: readonly {
    readonly inode: number | null;
    readonly size: number;
    readonly exporter: string | null;
    readonly name: string | null;
    readonly holders: readonly { readonly pid: number; readonly comm: string }[];
  }[];
  readonly processes: readonly {
    readonly pid: number;
    readonly comm: string;
    readonly isSelf: boolean;
    readonly bufferCount: number;
    readonly bytes: number;
    readonly shareBytes: number;
    readonly fdCount: number;
    readonly mappingCount: number;
  }[];
  readonly totals: { readonly bufferCount: number; readonly bytes: number };
}

/** A camera that the page may look at. */
export interface CameraChoice {
  readonly path: string;
  readonly name: string;
}

/** Before the pictures of a camera. */
interface CameraShapeMessage {
  readonly type: 'camera-shape';
  readonly width: number;
  readonly height: number;
  /** Its format's four characters, such as `YUYV`. */
  readonly format: string;
}

/** How a camera gets on. */
export interface CameraFactsMessage {
  readonly type: 'camera-facts';
  /** Null before the first second. */
  readonly framesPerSecond: number | null;
  /** Frames that the driver has lost, since the camera was opened. */
  readonly lostCount: number;
  /** Frames that the lab was too slow for. */
  readonly droppedCount: number;
  /** How long a frame is waited for, and made into what a page shows: medians, 0 for none. */
  readonly cameraNs: number;
  readonly convertNs: number;
}

/** How far a job is. */
export interface JobProgress {
  readonly type: 'progress';
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** What a workload did in the time since the sample before. */
export interface WorkloadSample {
  readonly type: 'sample';
  /** Since the workload began. */
  readonly atSeconds: number;
  readonly mappingsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of the mappings; null where there was none. */
  readonly medianNs: number | null;
  readonly maxNs: number | null;
  /**
   * Reservation locks, by loads without a thread or a process of their own: all holds together.
   * Null where there is no such load.
   */
  readonly heldNs: number | null;
  /** The longest hold; null where there was none. */
  readonly heldNsMax: number | null;
  readonly stepCount: number;
  /** Steps that were done after their deadline. */
  readonly lateCount: number;
}

/** How many mappings a recording has. */
interface RecordingStep {
  readonly type: 'recorded';
  readonly mappingCount: number;
}

export type JobStep = JobProgress | WorkloadSample | RecordingStep;

/** The end of a job. */
export type JobEnd =
  | { readonly type: 'done'; readonly report: object }
  | { readonly type: 'failed'; readonly message: string };

export type StreamMessage =
  | HelloMessage
  | HeapShapeMessage
  | HeapFactsMessage
  | MachineMessage
  | CameraShapeMessage
  | CameraFactsMessage;
