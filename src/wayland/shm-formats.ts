import { DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888 } from '../uapi/drm-fourcc.ts';
import { wl_shm } from './protocol/wayland.generated.ts';

/** wl_shm numbers two formats by itself; all others are DRM's (wayland.xml, wl_shm.format). */
const OWN_NUMBERS: ReadonlyMap<number, number> = new Map<number, number>([
  [DRM_FORMAT_ARGB8888, wl_shm.enums.format.argb8888],
  [DRM_FORMAT_XRGB8888, wl_shm.enums.format.xrgb8888],
]);

export function shmFormatOf(fourcc: number): number {
  return OWN_NUMBERS.get(fourcc) ?? fourcc;
}

export function fourccOfShm(format: number): number {
  return [...OWN_NUMBERS].find(([, number]) => number === format)?.[0] ?? format;
}
