import { PictureFileError } from '../picture/file/picture-file-error.ts';
import { decodePng } from '../picture/file/png-reader.ts';
import { decodeY4m } from '../picture/file/y4m.ts';
import type { FilePicture } from './picture-source.ts';

/** What a file has to show. */
export interface PictureFile {
  readonly pictures: readonly FilePicture[];
  /** From one picture to the next, in milliseconds. Undefined for a single one. */
  readonly intervalMs: number | undefined;
}

/**
 * Reads a picture or a video.
 *
 * @param ending of the file's name, in small letters: `.png` or `.y4m`
 * @throws {PictureFileError} for a file that is broken, or of another kind
 */
export function readPictureFile(bytes: Uint8Array, ending: string): PictureFile {
  if (ending === '.png') return { pictures: [{ ...decodePng(bytes), format: 'BGR888' }], intervalMs: undefined };
  if (ending === '.y4m') {
    const { frames, width, height, rate } = decodeY4m(bytes);
    const pictures = frames.map((frame) => ({ width, height, format: 'YUV420' as const, bytes: frame }));
    return { pictures, intervalMs: (1000 * rate.denominator) / rate.numerator };
  }
  throw new PictureFileError(`Cannot read a file that ends in "${ending}": .png and .y4m are read`);
}
