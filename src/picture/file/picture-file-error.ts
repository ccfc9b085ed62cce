/** A picture file that is broken, or of an unsupported kind. */
export class PictureFileError extends Error {
  override readonly name = 'PictureFileError';
}
