import { inspect, types } from 'node:util';

import { outOfRange, wrongType } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { placeOf } from '../base/typed-array.ts';
import type { PlaneRows } from './frame-flaw.ts';

/** A plane's properties and its place. */
interface PlaneShape {
  /** For messages: `plane 0 of NV12 1920x1080`. */
  readonly label: string;
  /** In bytes, from the start of its buffer. */
  readonly offset: number;
  readonly stride: number;
  readonly length: number;
  /** Undefined where there are no rows, or only a driver knows them. */
  readonly rows: PlaneRows | undefined;
}

/** The bytes of the plane's buffer, while they may be used. */
export interface PlaneMemory {
  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED` after that */
  part(offset: number, length: number): Uint8Array<SharedArrayBuffer>;
  close(): void;
}

/** A plane of a picture, row by row. */
export class PlaneView {
  readonly #shape: PlaneShape;
  readonly #memory: PlaneMemory;

  /** @internal */
  constructor(shape: PlaneShape, memory: PlaneMemory) {
    this.#shape = shape;
    this.#memory = memory;
  }

  /** From the start of one row to the start of the next, in bytes. 0 where there are no rows. */
  get stride(): number {
    return this.#shape.stride;
  }

  /** In bytes, including any bytes after each row. */
  get length(): number {
    return this.#shape.length;
  }

  /**
   * The number of rows.
   *
   * @throws {DmaBufError} `EOPNOTSUPP` for a compressed picture, and for one whose rows only its
   *   driver knows
   */
  get rowCount(): number {
    return this.#rows().rowCount;
  }

  /**
   * How many bytes of a row belong to the picture.
   *
   * @throws {DmaBufError} `EOPNOTSUPP` as {@link rowCount}
   */
  get rowBytes(): number {
    return this.#rows().rowBytes;
  }

  /** The whole plane, including the bytes after each row. */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return this.#part(0, this.#shape.length);
  }

  /**
   * A row, without the bytes after it and without a copy.
   *
   * @param index from 0, at the top
   * @throws {TypeError | RangeError} for a row that does not exist
   * @throws {DmaBufError} `EOPNOTSUPP` as {@link rowCount}
   */
  row(index: number): Uint8Array<SharedArrayBuffer> {
    const { rowCount, rowBytes } = this.#rows();
    checkInteger(index, { action: `take a row of ${this.#shape.label}`, name: 'index', min: 0, max: rowCount - 1 });
    return this.#part(index * this.#shape.stride, rowBytes);
  }

  /** The rows from the top, as {@link row} gives them. */
  *rows(): Generator<Uint8Array<SharedArrayBuffer>, void, undefined> {
    const { rowCount } = this.#rows();
    for (let index = 0; index < rowCount; index += 1) yield this.row(index);
  }

  /**
   * A copy in ordinary memory: the rows one after the other, without the bytes after each. For a
   * plane without known rows, all its bytes.
   */
  copyOut(): Uint8Array<ArrayBuffer> {
    const { rows, stride, length } = this.#shape;
    if (rows === undefined) return new Uint8Array(this.#part(0, length));
    const { rowCount, rowBytes } = rows;
    const bytes = this.#part(0, this.#pictureBytes(rows));
    if (stride === rowBytes) return new Uint8Array(bytes);
    const copy = new Uint8Array(rowCount * rowBytes);
    for (let index = 0; index < rowCount; index += 1)
      copy.set(bytes.subarray(index * stride, index * stride + rowBytes), index * rowBytes);
    return copy;
  }

  /**
   * Writes rows that lie one after the other, as {@link copyOut} gives them, into the plane. The
   * bytes after each row do not change.
   *
   * @throws {TypeError} when it is not a Uint8Array
   * @throws {RangeError} when its length differs from that of the rows
   * @throws {DmaBufError} `EOPNOTSUPP` as {@link rowCount}
   */
  copyIn(picture: Uint8Array): void {
    const rows = this.#rows();
    const { rowCount, rowBytes } = rows;
    const source = this.#checkPicture(picture, rowCount * rowBytes);
    const bytes = this.#part(0, this.#pictureBytes(rows));
    const { stride } = this.#shape;
    for (let index = 0; index < rowCount; index += 1)
      bytes.set(source.subarray(index * rowBytes, (index + 1) * rowBytes), index * stride);
  }

  /** Releases the plane's bytes. Idempotent. */
  close(): void {
    this.#memory.close();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `PlaneView { ${this.#shape.label}, ${this.#shape.length} bytes }`;
  }

  #part(offset: number, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#memory.part(this.#shape.offset + offset, length);
  }

  #rows(): PlaneRows {
    const { rows, label } = this.#shape;
    if (rows !== undefined) return rows;
    throw new DmaBufError(
      `Cannot take rows of ${label} as it is compressed, or laid out as only its driver knows: use its bytes`,
      { code: 'EOPNOTSUPP' },
    );
  }

  /** The last row may end before its stride does. */
  #pictureBytes({ rowCount, rowBytes }: PlaneRows): number {
    return (rowCount - 1) * this.#shape.stride + rowBytes;
  }

  /** By the platform's own getters: runs no code of the caller. */
  #checkPicture(picture: unknown, length: number): Uint8Array {
    const action = `write ${this.#shape.label}`;
    if (!types.isUint8Array(picture))
      throw wrongType({ action, name: 'picture' }, { must: 'be a Uint8Array', received: picture });
    const place = placeOf(picture);
    if (place.length !== length)
      throw outOfRange({ action, name: 'picture.length' }, { must: `be ${length}`, received: place.length });
    return new Uint8Array(place.buffer, place.byteOffset, place.length);
  }
}
