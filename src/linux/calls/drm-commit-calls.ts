import type { Rectangle } from '../../base/rectangle.ts';
import { DRM_EVENT_FLIP_COMPLETE, drmClipRect, drmEvent, drmEventVblank } from '../../uapi/drm.ts';
import {
  DRM_IOCTL_MODE_ATOMIC,
  DRM_IOCTL_MODE_CREATEPROPBLOB,
  DRM_IOCTL_MODE_DESTROYPROPBLOB,
  DRM_IOCTL_MODE_DIRTYFB,
  DRM_IOCTL_MODE_PAGE_FLIP,
  DRM_IOCTL_MODE_SETCRTC,
  DRM_MODE_PAGE_FLIP_EVENT,
  drmModeAtomic,
  drmModeCreateBlob,
  drmModeCrtc,
  drmModeCrtcPageFlip,
  drmModeDestroyBlob,
  drmModeFbDirtyCmd,
  drmModeModeinfo,
} from '../../uapi/drm-mode.ts';
import { DrmCalls } from './drm-calls.ts';
import type { ModeInfo } from './drm-mode-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { shareBytes, shareNumbers, sharedBytes } from './shared-bytes.ts';

/** A property of an object that is to change. */
export interface PropertyChange {
  readonly object: number;
  readonly property: number;
  readonly value: bigint;
}

/** A flip that the kernel has reported. */
export interface FlipEvent {
  /** As the flip was asked for. */
  readonly token: number;
  readonly seconds: number;
  readonly microseconds: number;
  /** 0 where the driver does not count. */
  readonly sequence: number;
}

const EVENTS_BYTES = 4096;
const FD_BYTES = 4;
const LACKS_DIRTY: ReadonlySet<string | undefined> = new Set(['ENOSYS', 'EOPNOTSUPP']);

/**
 * What changes a screen (drivers/gpu/drm/drm_atomic_uapi.c, drm_crtc.c, drm_plane.c, drm_file.c).
 */
export class DrmCommitCalls extends DrmCalls {
  readonly #events = new Uint8Array(EVENTS_BYTES);

  /** Changes properties, all or none. `token` comes back with the event. */
  atomic(card: BorrowedFd, changes: readonly PropertyChange[], how: { flags: number; token?: number }): void {
    const objects = [...new Set(changes.map(({ object }) => object))];
    const ofObject = objects.map((id) => changes.filter(({ object }) => object === id));
    const inOrder = ofObject.flat();
    const ids = shareNumbers(objects);
    const counts = shareNumbers(ofObject.map(({ length }) => length));
    const properties = shareNumbers(inOrder.map(({ property }) => property));
    const values = shareBytes([new Uint8Array(BigUint64Array.from(inOrder, ({ value }) => value).buffer)]);
    const argument = drmModeAtomic.write({
      flags: how.flags,
      countObjs: objects.length,
      objsPtr: ids.address,
      countPropsPtr: counts.address,
      propsPtr: properties.address,
      propValuesPtr: values.address,
      userData: how.token ?? 0,
    });
    this.call(card, DRM_IOCTL_MODE_ATOMIC, argument);
  }

  /**
   * Runs `commit`, which is to give the address to the kernel as that of a fence to be made, and
   * gives the fence.
   */
  fenceOf(commit: (address: number) => void): OwnedFd {
    const place = sharedBytes(FD_BYTES);
    commit(place.address);
    const fd = new Int32Array(place.bytes.buffer)[0] ?? -1;
    this.raw.hold(fd);
    return this.own(fd);
  }

  /** @param parts one behind the other */
  createBlob(card: BorrowedFd, parts: readonly Uint8Array[]): number {
    const { bytes, address } = shareBytes(parts);
    const argument = drmModeCreateBlob.write({ data: address, length: bytes.length });
    this.call(card, DRM_IOCTL_MODE_CREATEPROPBLOB, argument, { length: bytes.length });
    return drmModeCreateBlob.read(argument).blobId;
  }

  destroyBlob(card: BorrowedFd, blob: number): void {
    this.giveBack(card, DRM_IOCTL_MODE_DESTROYPROPBLOB, drmModeDestroyBlob.write({ blobId: blob }), { blob });
  }

  setCrtc(
    card: BorrowedFd,
    crtc: number,
    shown: { framebuffer: number; connector: number; mode: ModeInfo; x: number; y: number },
  ): void {
    const { framebuffer, connector, mode, x, y } = shown;
    const connectors = shareNumbers([connector]);
    const argument = drmModeCrtc.write({
      setConnectorsPtr: connectors.address,
      countConnectors: 1,
      crtcId: crtc,
      fbId: framebuffer,
      x,
      y,
      modeValid: 1,
    });
    argument.set(drmModeModeinfo.write(mode), drmModeCrtc.offsets['mode.clock']);
    this.call(card, DRM_IOCTL_MODE_SETCRTC, argument, { crtc, framebuffer });
  }

  pageFlip(card: BorrowedFd, crtc: number, { framebuffer, token }: { framebuffer: number; token: number }): void {
    const argument = drmModeCrtcPageFlip.write({
      crtcId: crtc,
      fbId: framebuffer,
      flags: DRM_MODE_PAGE_FLIP_EVENT,
      userData: token,
    });
    this.call(card, DRM_IOCTL_MODE_PAGE_FLIP, argument, { crtc, framebuffer });
  }

  /** Tells what of a framebuffer has changed. False where the driver does not want to know. */
  markDirty(card: BorrowedFd, framebuffer: number, areas: readonly Rectangle[]): boolean {
    const clips = shareBytes(
      areas.map(({ x, y, width, height }) => drmClipRect.write({ x1: x, y1: y, x2: x + width, y2: y + height })),
    );
    const argument = drmModeFbDirtyCmd.write({
      fbId: framebuffer,
      numClips: areas.length,
      clipsPtr: clips.address,
    });
    const result = this.tryCall(card, DRM_IOCTL_MODE_DIRTYFB, argument);
    if (LACKS_DIRTY.has(this.refusalOf(result))) return false;
    this.checked('ioctl', result, { framebuffer });
    return true;
  }

  /** The flips that were reported since the last call. Does not wait. */
  readFlips(card: BorrowedFd): FlipEvent[] {
    const flips: FlipEvent[] = [];
    for (;;) {
      const count = this.raw.read(card, this.#events, EVENTS_BYTES);
      const refusal = this.refusalOf(count);
      if (refusal === 'EINTR') continue;
      if (refusal === 'EAGAIN' || count === 0) return flips;
      this.checked('read', count, { card });
      flips.push(...flipsIn(this.#events.subarray(0, count)));
    }
  }
}

/** The flips among the events that a card gave; each event says how long it is. */
export function flipsIn(events: Uint8Array): FlipEvent[] {
  const flips: FlipEvent[] = [];
  for (let at = 0; at + drmEvent.size <= events.length;) {
    const { type, length } = drmEvent.read(events.subarray(at));
    if (length < drmEvent.size || at + length > events.length) break;
    if (type === DRM_EVENT_FLIP_COMPLETE && length >= drmEventVblank.size) {
      const { userData, tvSec, tvUsec, sequence } = drmEventVblank.read(events.subarray(at));
      flips.push({ token: userData, seconds: tvSec, microseconds: tvUsec, sequence });
    }
    at += length;
  }
  return flips;
}
