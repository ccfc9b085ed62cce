import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { listDisplays } from '../../../src/drm/index.ts';
import type { AvailableDisplay } from '../../../src/drm/index.ts';
import type { FrameLayout } from '../../../src/picture/index.ts';

/** The emulated screens, by the ids that test/vm/screens.test.ts gives their devices. */
export const SCREEN_IDS = ['cirrus', 'bochs', 'virtio', 'qxl'] as const;
export type ScreenId = (typeof SCREEN_IDS)[number];

/** Module, and the name by which the driver calls itself. */
const DRIVERS: Readonly<Record<ScreenId, readonly [module: string, name: string]>> = {
  cirrus: ['cirrus', 'cirrus'],
  bochs: ['bochs', 'bochs-drm'],
  virtio: ['virtio-gpu', 'virtio_gpu'],
  qxl: ['qxl', 'qxl'],
};
/** The only machine whose kernel tests load modules into. */
const GUEST = 'dmabuf-guest';

/** The cards, by their screens' ids. */
export type Screens = ReadonlyMap<ScreenId, AvailableDisplay>;

/** Loads the drivers, in the guest, and gives the cards by their screens' ids. */
export function findScreens(): Screens {
  const found = new Map<ScreenId, AvailableDisplay>();
  if (hostname() !== GUEST) return found;
  for (const id of SCREEN_IDS) spawnSync('modprobe', ['-q', DRIVERS[id][0]]);
  const cards = listDisplays().filter((card) => card.available);
  for (const id of SCREEN_IDS) {
    const card = cards.find(({ driver }) => driver === DRIVERS[id][1]);
    if (card !== undefined) found.set(id, card);
  }
  return found;
}

/** The makers of the framebuffers that a card shows, by debugfs: `fbcon`, or a process's name. */
export function makersOfShown({ path }: { readonly path: string }): string[] {
  const number = path.replace(/^\D+/u, '');
  const state = readFileSync(`/sys/kernel/debug/dri/${number}/state`, 'utf8');
  return [...state.matchAll(/allocated by = \[?(?<maker>[^\]\n]+)\]?/gu)].map(({ groups }) => groups?.['maker'] ?? '');
}

/** Red, green, blue of a pixel. */
export type Picture = (x: number, y: number) => readonly [number, number, number];

/** No two rows and no two columns are the same, nor two colours. */
export const PATTERN: Picture = (x, y) => [(x * 3 + y) & 0xff, (x ^ (y * 5)) & 0xff, (x + y * y) & 0xff];
export const OTHER_PATTERN: Picture = (x, y) => [(y * 7) & 0xff, (x * 11 + 5) & 0xff, (x * y) & 0xff];

/** What a pixel is in memory, from its first byte on, as drm_fourcc.h has the formats. */
const BYTES_OF_PIXEL = {
  XRGB8888: ([red, green, blue]) => [blue, green, red, 0x5a],
  ARGB8888: ([red, green, blue]) => [blue, green, red, 0xff],
  BGRX8888: ([red, green, blue]) => [0x5a, red, green, blue],
  RGB888: ([red, green, blue]) => [blue, green, red],
  RGB565: ([red, green, blue]) => {
    const word = ((red >> 3) << 11) | ((green >> 2) << 5) | (blue >> 3);
    return [word & 0xff, word >> 8];
  },
} satisfies Record<string, (pixel: readonly [number, number, number]) => readonly number[]>;
export type ScreenFormat = keyof typeof BYTES_OF_PIXEL;

/** Draws a picture, pixel by pixel. */
export function draw(frame: FrameLayout, format: ScreenFormat, picture: Picture): void {
  frame.accessSync('write', ([plane]) => {
    for (let y = 0; y < frame.height; y += 1) {
      const row = plane?.row(y) ?? new Uint8Array();
      for (let x = 0, at = 0; x < frame.width; x += 1) {
        const bytes = BYTES_OF_PIXEL[format](picture(x, y));
        for (const byte of bytes) row[at++] = byte;
      }
    }
  });
}

/** What a screen shows of a picture. Of 5 and 6 bits, the upper ones fill the lower. */
export function shownPixels(width: number, height: number, format: ScreenFormat, picture: Picture): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const [red, green, blue] = picture(x, y);
      const is565 = format === 'RGB565';
      pixels[at++] = is565 ? (red & 0xf8) | (red >> 5) : red;
      pixels[at++] = is565 ? (green & 0xfc) | (green >> 6) : green;
      pixels[at++] = is565 ? (blue & 0xf8) | (blue >> 5) : blue;
    }
  return pixels;
}
