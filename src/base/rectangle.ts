/** A size in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A part of a picture or of a screen, in pixels from its top left corner. */
export interface Rectangle extends PictureSize {
  readonly x: number;
  readonly y: number;
}
