import { BLOCK_PAGES } from '../protocol/block-runs.ts';
import { BLOCK_SIDE, BLOCK_SIDE_BITS, PAGE_OF_PIXEL, PIXEL_OF_PAGE } from './block-layout.ts';
import { RecentTimes } from './recent-times.ts';

/** Of pixels that are not pointed out. */
const OTHERS_ALPHA = 0x3000_0000;
const COLOR_MASK = 0x00ff_ffff;

/**
 * Draws pages as pixels, and blocks of pages as squares, side by side and line by line. A change
 * draws its blocks alone: a million pages take a few milliseconds, a block some microseconds.
 */
export class HeapCanvas {
  /** How long the last drawings took. */
  readonly wholeTimes: RecentTimes = new RecentTimes();
  readonly changeTimes: RecentTimes = new RecentTimes();
  readonly #owners: Uint16Array;
  readonly #blockCount: number;
  readonly #blocksAcross: number;
  readonly #context: CanvasRenderingContext2D;
  readonly #image: ImageData;
  readonly #imagePixels: Uint32Array;
  #pixels: Uint32Array<ArrayBuffer>;
  #shown: Uint32Array<ArrayBuffer>;

  /** @param owners by page, which others change @param pixels by owner */
  constructor(canvas: HTMLCanvasElement, owners: Uint16Array, pixels: Uint32Array<ArrayBuffer>) {
    this.#owners = owners;
    this.#blockCount = Math.ceil(owners.length / BLOCK_PAGES);
    this.#blocksAcross = Math.ceil(Math.sqrt(this.#blockCount));
    canvas.width = this.#blocksAcross * BLOCK_SIDE;
    canvas.height = Math.ceil(this.#blockCount / this.#blocksAcross) * BLOCK_SIDE;
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('The browser has no canvas');
    this.#context = context;
    this.#image = context.createImageData(canvas.width, canvas.height);
    this.#imagePixels = new Uint32Array(this.#image.data.buffer);
    this.#pixels = pixels;
    this.#shown = pixels;
  }

  setPixels(pixels: Uint32Array<ArrayBuffer>): void {
    this.#pixels = pixels;
    this.#shown = pixels;
    this.drawAll();
  }

  /** Fades all owners but one. Undefined: none is pointed out. */
  pointOut(owner: number | undefined): void {
    this.#shown = this.#pixels;
    if (owner !== undefined) {
      this.#shown = this.#pixels.map((pixel) => ((pixel & COLOR_MASK) | OTHERS_ALPHA) >>> 0);
      this.#shown[owner] = this.#pixels[owner] as number;
    }
    this.drawAll();
  }

  /** @returns 0 for a free page, or none @param x in pixels of the canvas, from 0 */
  ownerAt(x: number, y: number): number {
    const block = Math.floor(y / BLOCK_SIDE) * this.#blocksAcross + Math.floor(x / BLOCK_SIDE);
    const pixel = (y % BLOCK_SIDE) * BLOCK_SIDE + (x % BLOCK_SIDE);
    return this.#owners[block * BLOCK_PAGES + (PAGE_OF_PIXEL[pixel] ?? 0)] ?? 0;
  }

  drawAll(): void {
    this.wholeTimes.measure(() => {
      for (let block = 0; block < this.#blockCount; block += 1) this.#fill(block);
      this.#context.putImageData(this.#image, 0, 0);
    });
  }

  /** @param blocks in any order */
  drawBlocks(blocks: readonly number[]): void {
    if (blocks.length > this.#blockCount / 2) {
      this.drawAll();
      return;
    }
    this.changeTimes.measure(() => {
      for (const block of blocks) {
        this.#fill(block);
        this.#context.putImageData(this.#image, 0, 0, ...this.#cornerOf(block), BLOCK_SIDE, BLOCK_SIDE);
      }
    });
  }

  #cornerOf(block: number): [x: number, y: number] {
    return [(block % this.#blocksAcross) * BLOCK_SIDE, Math.floor(block / this.#blocksAcross) * BLOCK_SIDE];
  }

  #fill(block: number): void {
    const [x, y] = this.#cornerOf(block);
    const { width } = this.#image;
    const [owners, shown, image] = [this.#owners, this.#shown, this.#imagePixels];
    const first = block * BLOCK_PAGES;
    const pageCount = Math.min(BLOCK_PAGES, owners.length - first);
    for (let page = 0; page < pageCount; page += 1) {
      const pixel = PIXEL_OF_PAGE[page] as number;
      // BLOCK_SIDE is a power of two: shifts and masks, in a loop of a million steps.
      image[(y + (pixel >> BLOCK_SIDE_BITS)) * width + x + (pixel & (BLOCK_SIDE - 1))] = shown[
        owners[first + page] as number
      ] as number;
    }
  }
}
