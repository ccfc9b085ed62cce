/** A size in pixels. */
export interface PictureSize {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/** A part of a picture or of a screen, in pixels from its top left corner. */
export interface Rectangle extends PictureSize {
  /** Of the left edge. */
  readonly x: number;
  /** Of the upper edge. */
  readonly y: number;
}
