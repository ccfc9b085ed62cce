import { wrongType } from '../base/argument-error.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { importBuffer } from '../backend/fd-buffer/import-buffer.ts';
import type { DrmCalls, FramebufferPlane, GemHandle } from '../linux/calls/drm-calls.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { Machine } from '../linux/machine.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { labelOf } from '../picture/frame-description.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { DRM_CAP_PRIME } from '../uapi/drm.ts';
import { DRM_FORMAT_MOD_INVALID, DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import type { DisplayCard, DisplayPlane } from './display-card.ts';
import { checkFormat, refuseAllocation, refuseImport, withMeaning } from './display-refusals.ts';
import { ALLOCATE } from './dumb-frame.ts';
import type { DumbFrame } from './dumb-frame.ts';
import { Framebuffer } from './framebuffer.ts';
import { GemHandles } from './gem-handles.ts';

const IMPORT = 'import the frame';
const noMeaning = (): undefined => undefined;

/** An open card, and what it has said of itself. */
interface CardParts {
  readonly calls: DrmCalls;
  readonly fd: OwnedFd;
  readonly card: DisplayCard;
  readonly machine: Machine;
}

/** A framebuffer, and what it is found by. */
interface Entry {
  readonly framebuffer: Framebuffer;
  readonly handles: readonly GemHandle[];
  readonly key: string;
}

/** The framebuffers of an open card: one for each picture. */
export class Framebuffers {
  readonly #parts: CardParts;
  readonly #handles: GemHandles;
  readonly #byKey = new Map<string, Entry>();
  /** Those that were found by their frames need no system call. */
  readonly #byFrame = new WeakMap<FrameLayout, Framebuffer>();

  constructor(parts: CardParts) {
    this.#parts = parts;
    this.#handles = new GemHandles(parts.calls, parts.fd);
  }

  /** @throws {TypeError} for what is no layout */
  static checkFrame(frame: unknown): FrameLayout {
    if (FrameLayout.isLayout(frame)) return frame;
    throw wrongType({ action: IMPORT, name: 'frame' }, { must: 'be a FrameLayout', received: frame });
  }

  has(framebuffer: Framebuffer): boolean {
    return [...this.#byKey.values()].some((entry) => entry.framebuffer === framebuffer);
  }

  /** The framebuffer of a picture in dma-bufs. `planes`: where it could be shown. */
  import(frame: FrameLayout, planes: readonly DisplayPlane[]): Framebuffer {
    const known = this.#byFrame.get(frame);
    if (known !== undefined && !known.closed) return known;
    checkFormat(IMPORT, frame, planes);
    this.#checkImportable(frame);
    return withCleanup((cleanup) => {
      const ofBuffers = frame.buffers.map((buffer) => {
        const handle = this.#import(frame, buffer);
        cleanup.defer(() => this.#handles.release(handle));
        return handle;
      });
      const handles = frame.planes.map(({ buffer }) => ofBuffers[frame.buffers.indexOf(buffer)] as GemHandle);
      const same = this.#byKey.get(keyOf(frame, handles))?.framebuffer;
      if (same === undefined) return this.#add(frame, { handles, owned: ofBuffers, allocated: false });
      for (const handle of ofBuffers) this.#handles.release(handle);
      this.#byFrame.set(frame, same);
      return same;
    });
  }

  /** A framebuffer of a new buffer of the driver's. */
  allocate({ description, wanted }: DumbFrame, planes: readonly DisplayPlane[]): Framebuffer {
    checkFormat(ALLOCATE, description, planes);
    const { fd, calls, card, machine } = this.#parts;
    const { width, height, fourcc } = description;
    return withCleanup((cleanup) => {
      const { handle, stride } = refuseAllocation(description, card, () => this.#handles.create(wanted));
      cleanup.defer(() => this.#handles.release(handle));
      const exported = calls.exportBuffer(fd.borrow(), handle);
      cleanup.defer(() => exported.close());
      const buffer = importBuffer(exported, { name: `${card.driver} ${labelOf(description)}`.slice(0, 31) }, machine);
      cleanup.defer(() => buffer.close());
      exported.close();
      const frame = new FrameLayout(describeFrame(fourcc, { width, height, stride }), [buffer]);
      const handles = frame.planes.map(() => handle);
      return this.#add(frame, { handles, owned: [handle], allocated: true });
    });
  }

  /** Closes them all. */
  close(): void {
    const steps = [...this.#byKey.values()].map(
      ({ framebuffer }) =>
        () =>
          framebuffer.close(),
    );
    runAllSteps(steps, 'Several framebuffers could not be removed');
  }

  #import(frame: FrameLayout, buffer: FrameLayout['buffers'][number]): GemHandle {
    try {
      return this.#handles.import(buffer);
    } catch (error) {
      // Some drivers refuse a buffer with what every call on an unplugged card is refused with.
      if (isDmaBufError(error, 'ENODEV'))
        withMeaning(IMPORT, noMeaning, () => this.#parts.calls.capability(this.#parts.fd.borrow(), DRM_CAP_PRIME));
      throw refuseImport(frame, this.#parts.card, error);
    }
  }

  #add(
    frame: FrameLayout,
    { handles, owned, allocated }: { handles: readonly GemHandle[]; owned: readonly GemHandle[]; allocated: boolean },
  ): Framebuffer {
    const { calls, fd, card } = this.#parts;
    const planes: FramebufferPlane[] = frame.planes.map(({ offset, stride }, index) => ({
      handle: handles[index] as GemHandle,
      offset,
      stride,
    }));
    const { width, height, fourcc } = frame;
    const request = { width, height, fourcc, planes, modifier: this.#modifierFor(frame) };
    const why = ({ code }: DmaBufError): string =>
      `${card.driver}, the driver of ${card.path}, makes no framebuffer of it (${code}): take another stride, offset or format`;
    const id = withMeaning(IMPORT, why, () => calls.addFramebuffer(fd.borrow(), request));
    const key = keyOf(frame, handles);
    const remove = (): void => this.#remove(key);
    const framebuffer = new Framebuffer({ id, frame, allocated, remove });
    this.#byKey.set(key, { framebuffer, handles: owned, key });
    this.#byFrame.set(frame, framebuffer);
    return framebuffer;
  }

  #remove(key: string): void {
    const entry = this.#byKey.get(key);
    this.#byKey.delete(key);
    if (entry === undefined) return;
    const { calls, fd } = this.#parts;
    const { id, frame, allocated } = entry.framebuffer;
    runAllSteps(
      [
        () => calls.removeFramebuffer(fd.borrow(), id),
        ...entry.handles.map((handle) => () => this.#handles.release(handle)),
        ...(allocated ? frame.buffers.map((buffer) => () => buffer.close()) : []),
      ],
      'Several parts of a framebuffer could not be given back',
    );
  }

  /** Undefined where the driver is not told, or its producer did not say. */
  #modifierFor({ modifier }: FrameLayout): bigint | undefined {
    return this.#parts.card.capabilities.framebufferModifiers && modifier !== DRM_FORMAT_MOD_INVALID
      ? modifier
      : undefined;
  }

  #checkImportable(frame: FrameLayout): void {
    const { driver, capabilities } = this.#parts.card;
    const plain = frame.buffers.find((buffer) => !buffer.deviceImportable);
    if (plain !== undefined) {
      const message = `Cannot import ${labelOf(frame)} as its buffer of ${plain.exporter} is no dma-buf: take one from a heap of the kernel, from udmabuf, or from display.allocate()`;
      throw new DmaBufError(message, { code: 'EOPNOTSUPP' });
    }
    const isPlain = frame.modifier === DRM_FORMAT_MOD_LINEAR || frame.modifier === DRM_FORMAT_MOD_INVALID;
    if (isPlain || capabilities.framebufferModifiers) return;
    throw new DmaBufError(`Cannot import ${labelOf(frame)} as ${driver} takes pictures in rows only`, {
      code: 'EINVAL',
    });
  }
}

/** The same for the same pixels in the same buffers. */
function keyOf({ width, height, fourcc, modifier, planes }: FrameLayout, handles: readonly GemHandle[]): string {
  const places = planes.map(({ offset, stride }, index) => `${handles[index]}:${offset}:${stride}`);
  return [width, height, fourcc, modifier, ...places].join(' ');
}
