/** Colours of the picture's pages, as the pixels of a canvas have them: alpha, blue, green, red. */

/** Values next to each other differ most so. */
const GOLDEN_ANGLE = 137.508;
const OWNER_COUNT = 65_536;
const OPAQUE = 0xff00_0000;

/** For each owner the pixel; 0, a free page, is the ground's. */
export function ownerPixels(isDark: boolean): Uint32Array<ArrayBuffer> {
  const pixels = new Uint32Array(OWNER_COUNT);
  const [lightness, ground] = isDark ? [0.55, 0x24_1d_17] : [0.62, 0xf4_f1_ed];
  for (let owner = 1; owner < OWNER_COUNT; owner += 1) pixels[owner] = pixelOf((owner * GOLDEN_ANGLE) % 360, lightness);
  pixels[0] = (OPAQUE | ground) >>> 0;
  return pixels;
}

/** As CSS has it. */
export function ownerColor(pixels: Uint32Array, owner: number): string {
  const pixel = pixels[owner] ?? 0;
  return `rgb(${pixel & 0xff} ${(pixel >> 8) & 0xff} ${(pixel >> 16) & 0xff})`;
}

/** https://www.w3.org/TR/css-color-4/#hsl-to-rgb, at a saturation of 0.6. */
function pixelOf(hue: number, lightness: number): number {
  const amplitude = 0.6 * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const place = (offset + hue / 30) % 12;
    return Math.round(255 * (lightness - amplitude * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  };
  return (OPAQUE | (channel(4) << 16) | (channel(8) << 8) | channel(0)) >>> 0;
}
