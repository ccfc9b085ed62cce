// Where the module keeps what it works with, below the buffers. AssemblyScript: built by
// tools/build.mjs, not seen by tsc.

// Of a rectangle's side.
export const LINE_PIXELS_MAX: usize = 16384;

// Vectors reach beyond a line's last pixel, and edges stand before its first one.
const LINE_LEAD: usize = 64;
const LINE_PAD: usize = 128;

// From one component of a line to the next. No multiple of 4 KiB, which would have the three
// components compete for the same places of the first cache.
export const LINE_BYTES: usize = LINE_PIXELS_MAX + LINE_PAD;

// Three lines of bytes: red, green and blue, or Y, Cb and Cr. A pointer to the first pixel of the
// first line stands for all three.
const TRIPLE_BYTES: usize = 3 * LINE_BYTES;

// Three lines of 16 bits: a byte's value and 6 bits of fraction.
export const WIDE_LINE_BYTES: usize = 2 * LINE_BYTES;
const WIDE_TRIPLE_BYTES: usize = 3 * WIDE_LINE_BYTES;

// For the last few pixels of a row, which fill no vector.
export const TAIL: usize = 0;

export const JOB: usize = 256;

// 16 rows of 16 bytes for each component, twice: what is transposed, and where to.
export const BLOCK_BYTES: usize = 256;
export const BLOCKS: usize = 1024;
export const BLOCKS_SPARE: usize = BLOCKS + 3 * BLOCK_BYTES;

// For each pixel across and each row down: which one of the source, and the weights of it and of
// the next.
const TABLE_BYTES: usize = 4 * LINE_PIXELS_MAX;
export const X_INDEX: usize = 4096;
export const X_WEIGHT: usize = X_INDEX + TABLE_BYTES;
export const Y_INDEX: usize = X_WEIGHT + TABLE_BYTES;
export const Y_WEIGHT: usize = Y_INDEX + TABLE_BYTES;

const LINES: usize = Y_WEIGHT + TABLE_BYTES + LINE_LEAD;

// Rows of the source as they were read.
export const ROWS: usize = LINES;
export const ROW_BYTES: usize = TRIPLE_BYTES;
// A row, scaled to the nearest pixel.
export const GATHERED: usize = ROWS + 2 * ROW_BYTES;
// Two rows as they are written, and the same mirrored.
export const OUT: usize = GATHERED + TRIPLE_BYTES;
export const OUT_BYTES: usize = 2 * TRIPLE_BYTES;
export const MIRRORED: usize = TRIPLE_BYTES;

// Between two rows of the source, and scaled across.
export const BLENDED: usize = OUT + 2 * OUT_BYTES;
export const SCALED: usize = BLENDED + WIDE_TRIPLE_BYTES;

// 16 rows as they are written, made of 16 columns of the source.
export const BAND_ROWS: u32 = 16;
export const BAND: usize = SCALED + WIDE_TRIPLE_BYTES;
export const BAND_ROW_BYTES: usize = TRIPLE_BYTES;

export const SCRATCH_BYTES: usize = BAND + <usize>BAND_ROWS * BAND_ROW_BYTES;
