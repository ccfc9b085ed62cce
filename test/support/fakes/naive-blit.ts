/**
 * Blits in double precision, pixel by pixel, by what formats and standards say: what the module's
 * results are held against. It shares no table and no formula with src/blit/.
 */

/** A place in a plane: which one, and the sample's row and byte within the row. */
type Place = readonly [plane: number, row: number, byte: number];

/** Three components, of 0 to 255. */
type Components = readonly [number, number, number];

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture's bytes. */
export interface NaivePicture {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly planes: readonly { readonly bytes: Uint8Array; readonly stride: number }[];
}

/** What is done, as `Blitter.blit` takes it. */
export interface NaiveBlit {
  readonly from: Area;
  readonly to: Area;
  readonly filter: 'nearest' | 'bilinear';
  readonly flip: 'none' | 'horizontal' | 'vertical' | 'both';
  readonly rotate: 0 | 90 | 180 | 270;
  readonly fromColors: NaiveColors;
  readonly toColors: NaiveColors;
}

export interface NaiveColors {
  readonly encoding: 'bt601' | 'bt709' | 'bt2020' | 'smpte240m';
  readonly range: 'full' | 'limited';
}

/** A sample that the blit writes, and what it is to be, before it is rounded. */
export interface ExpectedSample {
  readonly plane: number;
  /** In bytes, from the start of the plane. */
  readonly offset: number;
  /** In bits, within the byte or the two that begin there: all of them but in 5:6:5. */
  readonly bits?: readonly [shift: number, width: number];
  readonly value: number;
}

/** Where red, green and blue stand in a pixel of so many bytes. */
const RGB_BYTES: Readonly<Record<string, readonly [bytes: number, red: number, green: number, blue: number]>> = {
  XRGB8888: [4, 2, 1, 0],
  ARGB8888: [4, 2, 1, 0],
  XBGR8888: [4, 0, 1, 2],
  ABGR8888: [4, 0, 1, 2],
  RGB888: [3, 2, 1, 0],
  BGR888: [3, 0, 1, 2],
};

/** The order of bytes of two pixels. */
const PACKED_YCBCR: Readonly<Record<string, string>> = { YUYV: 'YUYV', YVYU: 'YVYU', UYVY: 'UYVY', VYUY: 'VYUY' };

const TALL = new Set(['NV16', 'NV61', 'YUV422', 'YVU422']);

function isRgb(format: string): boolean {
  return format in RGB_BYTES || format.endsWith('565');
}

/** How many pixels share their colour, across and down. */
export function colorBlock(format: string): readonly [number, number] {
  if (isRgb(format)) return [1, 1];
  return format in PACKED_YCBCR || TALL.has(format) ? [2, 1] : [2, 2];
}

/** Where the three components of a pixel are stored, in bytes. Not of 5:6:5. */
function placesOf(format: string, x: number, y: number): readonly [Place, Place, Place] {
  const rgb = RGB_BYTES[format];
  if (rgb !== undefined) {
    const [size, ...at] = rgb;
    return at.map((byte): Place => [0, y, x * size + byte]) as unknown as [Place, Place, Place];
  }
  const pair = Math.floor(x / 2);
  const order = PACKED_YCBCR[format];
  if (order !== undefined) {
    const luma = x % 2 === 0 ? order.indexOf('Y') : order.lastIndexOf('Y');
    return [
      [0, y, pair * 4 + luma],
      [0, y, pair * 4 + order.indexOf('U')],
      [0, y, pair * 4 + order.indexOf('V')],
    ];
  }
  const row = TALL.has(format) ? y : Math.floor(y / 2);
  const isVFirst = format === 'NV21' || format === 'NV61' || format.startsWith('YVU');
  const [u, v] = isVFirst ? [1, 0] : [0, 1];
  if (format.startsWith('NV')) return [[0, y, x], [1, row, pair * 2 + u], [1, row, pair * 2 + v]]; // prettier-ignore
  return [[0, y, x], [1 + u, row, pair], [1 + v, row, pair]]; // prettier-ignore
}

function load(picture: NaivePicture, [plane, row, byte]: Place): number {
  const { bytes, stride } = picture.planes[plane] as NaivePicture['planes'][number];
  return bytes[row * stride + byte] as number;
}

/** The bits of red, green and blue in a pixel of 16. */
function bitsOf565(format: string): readonly (readonly [shift: number, width: number])[] {
  const fromTop = [[11, 5], [5, 6], [0, 5]] as const; // prettier-ignore
  return format === 'RGB565' ? fromTop : fromTop.toReversed();
}

function pixelOf(picture: NaivePicture, x: number, y: number): Components {
  if (!picture.format.endsWith('565')) {
    const [first, second, third] = placesOf(picture.format, x, y);
    return [load(picture, first), load(picture, second), load(picture, third)];
  }
  const word = load(picture, [0, y, x * 2]) + 256 * load(picture, [0, y, x * 2 + 1]);
  return bitsOf565(picture.format).map(([shift, width]) => {
    const max = 2 ** width - 1;
    return (((word >> shift) & max) * 255) / max;
  }) as unknown as Components;
}

const SHARES = {
  bt601: [0.299, 0.587, 0.114],
  bt709: [0.2126, 0.7152, 0.0722],
  bt2020: [0.2627, 0.678, 0.0593],
  smpte240m: [0.212, 0.701, 0.087],
} as const;

/** Red, green and blue of 0 to 1, from Y, Cb and Cr. */
function decodeColor([y, cb, cr]: Components, { encoding, range }: NaiveColors): Components {
  const [shareOfRed, shareOfGreen, shareOfBlue] = SHARES[encoding];
  const luma = range === 'full' ? y / 255 : (y - 16) / 219;
  const blueness = (cb - 128) / (range === 'full' ? 255 : 224);
  const redness = (cr - 128) / (range === 'full' ? 255 : 224);
  const red = luma + 2 * (1 - shareOfRed) * redness;
  const blue = luma + 2 * (1 - shareOfBlue) * blueness;
  return [red, (luma - shareOfRed * red - shareOfBlue * blue) / shareOfGreen, blue];
}

function encodeColor([red, green, blue]: Components, { encoding, range }: NaiveColors): Components {
  const [shareOfRed, shareOfGreen, shareOfBlue] = SHARES[encoding];
  const luma = shareOfRed * red + shareOfGreen * green + shareOfBlue * blue;
  const blueness = (blue - luma) / (2 * (1 - shareOfBlue));
  const redness = (red - luma) / (2 * (1 - shareOfRed));
  return range === 'full'
    ? [luma * 255, 128 + blueness * 255, 128 + redness * 255]
    : [16 + luma * 219, 128 + blueness * 224, 128 + redness * 224];
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 255);
}

function convert(components: Components, from: string, to: string, blit: NaiveBlit): Components {
  const { fromColors, toColors } = blit;
  const isSame = fromColors.encoding === toColors.encoding && fromColors.range === toColors.range;
  if (isRgb(from) === isRgb(to) && (isRgb(from) || isSame)) return components;
  const scaled = components.map((value) => value / 255) as unknown as Components;
  const rgb = isRgb(from) ? scaled : decodeColor(components, fromColors);
  const result = isRgb(to) ? rgb.map((value) => value * 255) : encodeColor(rgb, toColors);
  return result.map(clamp) as unknown as Components;
}

/** A pixel of the source's rectangle, scaled to `width` by `height`. */
function scaledPixel(
  picture: NaivePicture,
  { from, filter }: NaiveBlit,
  size: readonly [width: number, height: number],
  at: readonly [x: number, y: number],
): Components {
  const [x, y] = at.map((place, axis) => {
    const length = axis === 0 ? from.width : from.height;
    return ((2 * place + 1) * length) / (2 * (size[axis] as number));
  }) as [number, number];
  if (filter === 'nearest') return pixelOf(picture, from.x + Math.floor(x), from.y + Math.floor(y));
  const [left, right, rightShare] = neighbours(x - 0.5, from.width);
  const [upper, lower, lowerShare] = neighbours(y - 0.5, from.height);
  const corner = (column: number, row: number): Components => pixelOf(picture, from.x + column, from.y + row);
  const above = mix(corner(left, upper), corner(right, upper), rightShare);
  const below = mix(corner(left, lower), corner(right, lower), rightShare);
  return mix(above, below, lowerShare);
}

function neighbours(position: number, length: number): readonly [first: number, second: number, share: number] {
  const first = Math.floor(position);
  const within = (index: number): number => Math.min(Math.max(index, 0), length - 1);
  return [within(first), within(first + 1), position - first];
}

function mix(left: Components, right: Components, share: number): Components {
  return left.map((value, index) => value * (1 - share) + (right[index] as number) * share) as unknown as Components;
}

/** Where a pixel of the destination's rectangle comes from in the scaled picture. */
function cameFrom(blit: NaiveBlit, x: number, y: number): readonly [number, number] {
  const { width, height } = blit.to;
  let place: readonly [number, number] = [x, y];
  let size: readonly [number, number] = [width, height];
  // Undoes one quarter turn clockwise at a time.
  for (let angle = blit.rotate; angle > 0; angle -= 90) {
    const [column, row] = place;
    place = [row, size[0] - 1 - column];
    size = [size[1], size[0]];
  }
  const [column, row] = place;
  const isFlippedX = blit.flip === 'horizontal' || blit.flip === 'both';
  const isFlippedY = blit.flip === 'vertical' || blit.flip === 'both';
  return [isFlippedX ? size[0] - 1 - column : column, isFlippedY ? size[1] - 1 - row : row];
}

/** Every sample that the blit writes to `destination`, and what it is to be. */
export function naiveBlit(source: NaivePicture, destination: NaivePicture, blit: NaiveBlit): ExpectedSample[] {
  const { to } = blit;
  const size = blit.rotate % 180 === 0 ? ([to.width, to.height] as const) : ([to.height, to.width] as const);
  const pixels = Array.from({ length: to.width * to.height }, (_, index) => {
    const at = cameFrom(blit, index % to.width, Math.floor(index / to.width));
    return convert(scaledPixel(source, blit, size, at), source.format, destination.format, blit);
  });
  const pixelAt = (x: number, y: number): Components =>
    pixels[(y - to.y) * to.width + (x - to.x)] as unknown as Components;
  const samples: ExpectedSample[] = [];
  for (let y = to.y; y < to.y + to.height; y += 1)
    for (let x = to.x; x < to.x + to.width; x += 1) samples.push(...samplesOf(destination, to, pixelAt, [x, y]));
  return samples;
}

function samplesOf(
  { format, planes }: NaivePicture,
  to: Area,
  pixelAt: (x: number, y: number) => Components,
  [x, y]: readonly [number, number],
): ExpectedSample[] {
  const offsetOf = ([plane, row, byte]: Place): number => row * (planes[plane]?.stride ?? 0) + byte;
  const pixel = pixelAt(x, y);
  if (format.endsWith('565')) {
    const offset = offsetOf([0, y, x * 2]);
    return bitsOf565(format).map((bits, index) => {
      const value = ((pixel[index] as number) * (2 ** bits[1] - 1)) / 255;
      return { plane: 0, offset, bits, value };
    });
  }
  const places = placesOf(format, x, y);
  const colors = meanColors(format, to, pixelAt, [x, y]);
  const values = [pixel[0], colors[1], colors[2]] as const;
  const samples = places.map((place, index) => ({
    plane: place[0],
    offset: offsetOf(place),
    value: values[index] as number,
  }));
  if (RGB_BYTES[format]?.[0] === 4) samples.push({ plane: 0, offset: offsetOf([0, y, x * 4 + 3]), value: 255 });
  return samples;
}

/** The mean of the pixels that share a colour and lie in the rectangle. */
function meanColors(
  format: string,
  to: Area,
  pixelAt: (x: number, y: number) => Components,
  [x, y]: readonly [number, number],
): Components {
  const [across, down] = colorBlock(format);
  const sharing: Components[] = [];
  for (let row = y - (y % down); row < y - (y % down) + down; row += 1)
    for (let column = x - (x % across); column < x - (x % across) + across; column += 1)
      if (column >= to.x && column < to.x + to.width && row >= to.y && row < to.y + to.height)
        sharing.push(pixelAt(column, row));
  const mean = (index: 0 | 1 | 2): number => sharing.reduce((sum, pixel) => sum + pixel[index], 0) / sharing.length;
  return [mean(0), mean(1), mean(2)];
}
