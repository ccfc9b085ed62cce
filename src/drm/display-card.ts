import type { Fourcc } from '../uapi/fourcc-code.ts';
import type { DisplayMode } from './display-mode.ts';

/** A graphics card that has screens, or could have. */
export interface DisplayCard {
  /** Such as `/dev/dri/card0`. The number may change from boot to boot. */
  readonly path: string;
  /** The kernel's driver, such as `vc4`, `rockchip`, `i915`. */
  readonly driver: string;
  /** Where the card is, such as `pci 0000:00:02.0`: stays. Undefined where `/sys` does not tell. */
  readonly bus: string | undefined;
  /** What the card's driver can do. */
  readonly capabilities: CardCapabilities;
  /** Where screens are plugged in, or could be. */
  readonly connectors: readonly DisplayConnector[];
  /** What drives them: as many screens as these can show a picture at once. */
  readonly crtcs: readonly DisplayCrtc[];
  /** The layers that the pictures are made of. */
  readonly planes: readonly DisplayPlane[];
}

/** What a card's driver can do. */
export interface CardCapabilities {
  /** It allocates buffers for pictures that the CPU draws: `display.allocate()`. */
  readonly dumbBuffers: boolean;
  /** It says that it imports dma-bufs. Some that say so refuse foreign ones all the same. */
  readonly primeImport: boolean;
  /** It exports its own buffers as dma-bufs. */
  readonly primeExport: boolean;
  /** Changes of a screen are made all or none. */
  readonly atomic: boolean;
  /** It can flip before the picture's end, which tears it. */
  readonly asyncPageFlip: boolean;
  /** It is told how pixels lie in a buffer (`DRM_FORMAT_MOD_…`). */
  readonly framebufferModifiers: boolean;
  /** The clock of flips: `monotonic` is that of `process.hrtime.bigint()`. */
  readonly clock: DisplayClock;
}

/** CLOCK_MONOTONIC or CLOCK_REALTIME. */
export type DisplayClock = 'monotonic' | 'realtime';

/** Where a screen is plugged in. */
export interface DisplayConnector {
  /** The kernel's number of it, unique on its card. */
  readonly id: number;
  /** As in `/sys/class/drm`, such as `HDMI-A-1`. */
  readonly name: string;
  /** `unknown`: the driver cannot tell whether a screen is plugged in. */
  readonly status: 'connected' | 'disconnected' | 'unknown';
  /** Of the picture, in millimetres; undefined where the screen does not tell. */
  readonly widthMm: number | undefined;
  /** Of the picture, in millimetres; undefined where the screen does not tell. */
  readonly heightMm: number | undefined;
  /** The screen's, the likeliest first. */
  readonly modes: readonly DisplayMode[];
  /** The CRTCs that can drive it. */
  readonly crtcIds: readonly number[];
  /** The one that does. */
  readonly crtcId: number | undefined;
}

/** What makes a picture of planes, at a rate. */
export interface DisplayCrtc {
  /** The kernel's number of it, unique on its card. */
  readonly id: number;
  /** Undefined while it is off. */
  readonly mode: DisplayMode | undefined;
}

/** A layer of a picture. */
export interface DisplayPlane {
  /** The kernel's number of it, unique on its card. */
  readonly id: number;
  /** `primary`: the picture itself; `overlay`: over it; `cursor`: a small one on top. */
  readonly type: 'primary' | 'overlay' | 'cursor';
  /** The CRTCs that it can be part of. */
  readonly crtcIds: readonly number[];
  /** The pixels that it takes. */
  readonly formats: readonly PlaneFormat[];
  /** Whether the driver makes use of damage rectangles. */
  readonly takesDamage: boolean;
}

/** Pixels that a plane takes. */
export interface PlaneFormat {
  /** As a number: `DRM_FORMAT_…` of drm_fourcc.h. */
  readonly fourcc: Fourcc;
  /** Its characters, such as `XR24`. */
  readonly name: string;
  /** How they may lie in a buffer. Undefined where the driver does not tell: in rows, mostly. */
  readonly modifiers: readonly bigint[] | undefined;
}
