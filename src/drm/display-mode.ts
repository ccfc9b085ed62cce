import { DRM_MODE_FLAG_DBLSCAN, DRM_MODE_FLAG_INTERLACE, DRM_MODE_TYPE_PREFERRED } from '../uapi/drm-mode.ts';
import type { ModeInfo } from '../linux/calls/drm-mode-calls.ts';

/** A size and a rate at which a screen can be driven. */
export interface DisplayMode {
  /** As the kernel calls it, such as `1920x1080`. Several modes may have one name. */
  readonly name: string;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Pictures a second, not rounded: 59.94… where the screen says so. Of half pictures, all. */
  readonly refreshHz: number;
  /** Whether the screen says that it is made for it. */
  readonly preferred: boolean;
  /** Whether each picture comes in two halves: odd rows, even rows. */
  readonly interlaced: boolean;
  /** What is behind it, as the kernel has it. */
  readonly timing: Readonly<ModeInfo>;
}

const HZ_PER_KHZ = 1000;

export function displayModeOf(timing: ModeInfo): DisplayMode {
  const { name, hdisplay, vdisplay, flags, type } = timing;
  return Object.freeze({
    name,
    width: hdisplay,
    height: vdisplay,
    refreshHz: refreshHzOf(timing),
    preferred: (type & DRM_MODE_TYPE_PREFERRED) !== 0,
    interlaced: (flags & DRM_MODE_FLAG_INTERLACE) !== 0,
    timing: Object.freeze({ ...timing }),
  });
}

/** As `drm_mode_vrefresh` (drivers/gpu/drm/drm_modes.c), which rounds. */
function refreshHzOf({ clock, htotal, vtotal, vscan, flags }: ModeInfo): number {
  if (htotal === 0 || vtotal === 0) return 0;
  const fields = (flags & DRM_MODE_FLAG_INTERLACE) === 0 ? 1 : 2;
  const scans = ((flags & DRM_MODE_FLAG_DBLSCAN) === 0 ? 1 : 2) * Math.max(1, vscan);
  return (clock * HZ_PER_KHZ * fields) / (htotal * vtotal * scans);
}
