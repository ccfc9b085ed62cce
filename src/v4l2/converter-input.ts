import type { WaitOptions } from '../base/abort.ts';
import { readOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import type { CameraFrame } from './camera-frame.ts';
import { SUBMIT_OPTIONS, checkSubmission } from './submission.ts';

/** Options of a conversion. */
export interface ConvertOptions extends WaitOptions {
  /** How much of each of its memories holds the picture, in bytes. Default: all of it. */
  readonly bytesUsed?: readonly number[] | undefined;
  /**
   * In ns, from 0: what is made of the picture has it too, in whole µs. No two pictures that the
   * device has at a time may have the same. Default: that of a camera's frame; else one that counts
   * the pictures.
   */
  readonly timestampNs?: bigint | undefined;
}

export const CONVERT = 'convert the picture';

/** What an input tells its converter. */
interface InputTaker {
  convert(index: number, options: ConvertOptions): Promise<CameraFrame>;
  giveBack(index: number): void;
}

/** Options that were read once, checked against the picture. */
export function readConvertOptions(options: ConvertOptions): ConvertOptions {
  return readOptions(options, CONVERT, [...SUBMIT_OPTIONS, 'signal']);
}

/** A buffer of a converter, in which a picture is to be written that it converts. */
export class ConverterInput {
  /** Which buffer of the input, from 0. */
  readonly index: number;
  readonly #layout: FrameLayout;
  #converter: InputTaker | undefined;

  /** @internal */
  constructor(index: number, layout: FrameLayout, converter: InputTaker) {
    this.index = index;
    this.#layout = layout;
    this.#converter = converter;
  }

  /**
   * Where the picture is to be written.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once it was converted or discarded
   */
  get layout(): FrameLayout {
    this.#owner();
    return this.#layout;
  }

  /**
   * Gives the picture to the device: it is none of the caller's from then on. Resolves with what
   * the device makes of it, as `VideoConverter.convert`.
   *
   * @throws {TypeError | RangeError} for an option that is none
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once it was converted or discarded; else as
   *   `VideoConverter.convert`
   */
  async convert(options: ConvertOptions = {}): Promise<CameraFrame> {
    const plain = readConvertOptions(options);
    const checked = { ...checkSubmission(plain, this.#layout, CONVERT), signal: plain.signal };
    const converter = this.#owner();
    this.#converter = undefined;
    return await converter.convert(this.index, checked);
  }

  /** Gives it back unused. Idempotent. */
  discard(): void {
    const converter = this.#converter;
    this.#converter = undefined;
    converter?.giveBack(this.index);
  }

  /** For `using`: discards what was not converted. */
  [Symbol.dispose](): void {
    this.discard();
  }

  #owner(): InputTaker {
    if (this.#converter !== undefined) return this.#converter;
    throw new DmaBufError('Cannot use the input after it was converted or discarded', { code: 'ERR_DMABUF_CLOSED' });
  }
}
