import { runAllSteps } from '../base/cleanup.ts';
import { createBlitter } from '../blit/blitter.ts';
import type { Blitter } from '../blit/blitter.ts';
import type { Heap } from '../heap/heap.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { openHeap } from '../backend/open-heap.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { Camera } from '../v4l2/camera.ts';
import type { CameraFrame } from '../v4l2/camera-frame.ts';
import { StageClock } from '../video/stage-clock.ts';
import type { CameraFactsMessage } from './protocol/messages.ts';
import type { Frame } from './protocol/frames.ts';

/** The newest picture, as a page takes it. */
interface LivePicture {
  readonly number: number;
  readonly frame: Frame;
}

/** What a frame goes through here: it is waited for, and made into what a page shows. */
type LiveStage = 'camera' | 'convert';
const FACTS_INTERVAL_MS = 1000;
const STAGES: readonly LiveStage[] = ['camera', 'convert'];

/**
 * A camera's newest picture, for any number of pages. JPEG goes on as it is; any other format is
 * made into what a canvas takes: red, green, blue and alpha, a byte each.
 */
export class LiveCamera {
  readonly #camera: Camera;
  readonly #end = new AbortController();
  readonly #clock = new StageClock<LiveStage>(STAGES);
  readonly #heap: Heap = openHeap('system', { backends: ['embedded'] });
  readonly #blitter: Blitter = createBlitter();
  #target: { readonly buffer: DmaBuf; readonly layout: FrameLayout } | undefined;
  #latest: LivePicture | undefined;
  #frameCount = 0;
  #facts: CameraFactsMessage | undefined;
  #factsAtMs = 0;
  #failure: unknown;

  /** @param camera which it closes */
  constructor(camera: Camera) {
    this.#camera = camera;
    void this.#run();
  }

  /** @throws why the camera has ended */
  get latest(): LivePicture | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#latest;
  }

  get format(): Camera['format'] {
    return this.#camera.format;
  }

  /** Of the last whole second that somebody looked, the same for all pages. */
  facts(nowMs: number): CameraFactsMessage {
    if (this.#facts === undefined || nowMs - this.#factsAtMs >= FACTS_INTERVAL_MS) this.#facts = this.#measure(nowMs);
    return this.#facts;
  }

  /** Of the time since the last call. */
  #measure(nowMs: number): CameraFactsMessage {
    const { camera: cameraNs, convert: convertNs } = this.#clock.read();
    const { lostCount, droppedCount } = this.#camera.counts;
    const seconds = (nowMs - this.#factsAtMs) / 1000;
    const framesPerSecond = this.#facts === undefined ? null : this.#frameCount / seconds;
    this.#frameCount = 0;
    this.#factsAtMs = nowMs;
    return { type: 'camera-facts', framesPerSecond, lostCount, droppedCount, cameraNs, convertNs };
  }

  close(): void {
    this.#end.abort();
  }

  async #run(): Promise<void> {
    try {
      this.#clock.start();
      for await (const frame of this.#camera.frames({ signal: this.#end.signal, backlog: 1, skipDamaged: true })) {
        this.#clock.end('camera');
        await this.#take(frame);
        this.#clock.end('convert');
        this.#frameCount += 1;
        this.#clock.start();
      }
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failure = error;
    }
    try {
      this.#release();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  async #take(frame: CameraFrame): Promise<void> {
    try {
      const { compressed } = this.#camera.format;
      const body = compressed ? await jpegOf(frame) : await this.#pixelsOf(frame);
      const number = (this.#latest?.number ?? 0) + 1;
      this.#latest = { number, frame: { kind: compressed ? 'jpeg' : 'pixels', body } };
    } finally {
      frame.close();
    }
  }

  async #pixelsOf({ layout }: CameraFrame): Promise<Uint8Array> {
    const { layout: picture } = (this.#target ??= this.#allocate(layout));
    await this.#blitter.blit(layout, picture, { sourceColors: this.#camera.format.colors });
    return picture.accessSync('read', ([plane]) => plane?.copyOut() ?? new Uint8Array());
  }

  #allocate({ width, height }: FrameLayout): { buffer: DmaBuf; layout: FrameLayout } {
    const description = describeFrame('ABGR8888', { width, height });
    const buffer = this.#heap.allocate(description.length);
    return { buffer, layout: new FrameLayout(description, [buffer]) };
  }

  #release(): void {
    const held = [this.#camera, this.#target?.buffer, this.#blitter, this.#heap];
    runAllSteps(
      held.map((each) => () => each?.close()),
      'A camera could not be closed',
    );
  }
}

async function jpegOf({ layout }: CameraFrame): Promise<Uint8Array> {
  return await layout.access('read', ([plane]) => plane?.copyOut() ?? new Uint8Array());
}
