import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { SyncFile } from '../heap/sync-file.ts';
import type { PropertyChange } from '../linux/calls/drm-commit-calls.ts';
import {
  DRM_MODE_ATOMIC_ALLOW_MODESET,
  DRM_MODE_ATOMIC_NONBLOCK,
  DRM_MODE_PAGE_FLIP_EVENT,
  drmModeModeinfo,
  drmModeRect,
} from '../uapi/drm-mode.ts';
import type { FlipRequest, Screen, ScreenParts } from './screen.ts';
import { SHOW } from './show-options.ts';

/** 16 bits of pixels, 16 behind the point: `SRC_X` and its like. */
const FIXED_POINT = 65_536n;

/** Values of an object's properties, by name. */
type Values = Readonly<Record<string, bigint | number>>;

/** Flips by DRM_IOCTL_MODE_ATOMIC: all changes or none (drivers/gpu/drm/drm_atomic_uapi.c). */
export class AtomicScreen implements Screen {
  readonly api = 'atomic';
  readonly #parts: ScreenParts;

  constructor(parts: ScreenParts) {
    this.#parts = parts;
  }

  flip(request: FlipRequest): void {
    const blobs: number[] = [];
    withCleanup((cleanup) => {
      // The state that was committed keeps what it uses.
      const destroy = (): void => this.#destroy(blobs);
      cleanup.defer(destroy);
      const changes = [...this.#modeChanges(request, blobs), ...this.#planeChanges(request, blobs)];
      this.#commit(request, changes);
    });
    this.#destroy(blobs);
  }

  #commit({ setsMode, show: { outFence }, token }: FlipRequest, changes: readonly PropertyChange[]): void {
    const { calls, fd, crtcId } = this.#parts;
    const modeset = setsMode ? DRM_MODE_ATOMIC_ALLOW_MODESET : 0;
    const how = { flags: DRM_MODE_ATOMIC_NONBLOCK | DRM_MODE_PAGE_FLIP_EVENT | modeset, token };
    if (outFence === undefined) {
      calls.atomic(fd.borrow(), changes, how);
      return;
    }
    const fence = calls.fenceOf((address) =>
      calls.atomic(fd.borrow(), [...changes, ...this.#changes(crtcId, { OUT_FENCE_PTR: address })], how),
    );
    outFence(new SyncFile(fence));
  }

  /** Turns the screen on, and off the other planes and connectors of the CRTC. */
  #modeChanges({ mode, setsMode, plane }: FlipRequest, blobs: number[]): PropertyChange[] {
    if (!setsMode) return [];
    const { calls, fd, reading, connector, crtcId } = this.#parts;
    const blob = calls.createBlob(fd.borrow(), [drmModeModeinfo.write(mode.timing)]);
    blobs.push(blob);
    const { card } = reading;
    const others = card.connectors.filter(({ id }) => id !== connector.id && this.#isOnCrtc(id));
    const otherPlanes = card.planes.filter(({ id }) => id !== plane.id && this.#isOnCrtc(id));
    return [
      ...others.flatMap(({ id }) => this.#changes(id, { CRTC_ID: 0 })),
      ...otherPlanes.flatMap(({ id }) => this.#changes(id, { CRTC_ID: 0, FB_ID: 0 })),
      ...this.#changes(connector.id, { CRTC_ID: crtcId }),
      ...this.#changes(crtcId, { MODE_ID: blob, ACTIVE: 1 }),
    ];
  }

  /** As it was when the display was opened. */
  #isOnCrtc(id: number): boolean {
    return this.#parts.reading.properties.get(id)?.get('CRTC_ID')?.value === BigInt(this.#parts.crtcId);
  }

  #planeChanges({ framebuffer, plane, show }: FlipRequest, blobs: number[]): PropertyChange[] {
    const { source, destination, inFence } = show;
    return this.#changes(plane.id, {
      FB_ID: framebuffer,
      CRTC_ID: this.#parts.crtcId,
      CRTC_X: destination.x,
      CRTC_Y: destination.y,
      CRTC_W: destination.width,
      CRTC_H: destination.height,
      SRC_X: BigInt(source.x) * FIXED_POINT,
      SRC_Y: BigInt(source.y) * FIXED_POINT,
      SRC_W: BigInt(source.width) * FIXED_POINT,
      SRC_H: BigInt(source.height) * FIXED_POINT,
      ...(inFence === undefined ? {} : { IN_FENCE_FD: SyncFile.borrowFrom(inFence) }),
      ...this.#damageValue({ plane, show }, blobs),
    });
  }

  #damageValue({ plane, show: { damage } }: Pick<FlipRequest, 'plane' | 'show'>, blobs: number[]): Values {
    if (damage.length === 0 || !plane.takesDamage) return {};
    const rectangles = damage.map(({ x, y, width, height }) =>
      drmModeRect.write({ x1: x, y1: y, x2: x + width, y2: y + height }),
    );
    const { calls, fd } = this.#parts;
    const blob = calls.createBlob(fd.borrow(), rectangles);
    blobs.push(blob);
    return { FB_DAMAGE_CLIPS: blob };
  }

  #changes(object: number, values: Values): PropertyChange[] {
    const properties = this.#parts.reading.properties.get(object);
    return Object.entries(values).map(([name, value]) => {
      const property = properties?.get(name)?.id;
      if (property !== undefined) return { object, property, value: BigInt(value) };
      throw new DmaBufError(`Cannot ${SHOW} as this card's driver has no property ${name}`, {
        code: 'EOPNOTSUPP',
        values: { object },
      });
    });
  }

  #destroy(blobs: number[]): void {
    const { calls, fd } = this.#parts;
    const steps = blobs.splice(0).map((blob) => () => calls.destroyBlob(fd.borrow(), blob));
    runAllSteps(steps, 'Several blobs could not be destroyed');
  }
}
