/** What a decoder and its thread tell each other. The bytes are shared, not copied. */

/** A file, and where its picture is to go. */
export interface JpegTask {
  /** The file, and possibly bytes behind its end. */
  readonly file: Uint8Array<SharedArrayBuffer>;
  /** Red, green, blue and alpha of each pixel, a byte each. */
  readonly picture: Uint8Array<SharedArrayBuffer>;
  /** From the start of one row to the start of the next, in bytes. */
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/** How it went. */
export type JpegAnswer =
  | { readonly outcome: 'decoded' }
  /** The file's picture has another size. */
  | { readonly outcome: 'other-size'; readonly width: number; readonly height: number }
  /** It is no JPEG, or damaged. */
  | { readonly outcome: 'damaged'; readonly reason: string };

/** Where the thread finds the codec. */
export interface JpegCodecFiles {
  /** The URL of the module. */
  readonly module: string;
  /** The path of its WebAssembly. */
  readonly wasm: string;
}
