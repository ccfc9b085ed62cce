import { PictureFileError } from './picture-file-error.ts';
import { FILTER } from './png-chunk.ts';

interface RowShape {
  /** The bytes of a row's pixels, without the filter byte. */
  readonly rowBytes: number;
  readonly pixelBytes: number;
}

/** The bytes to the left, above, and above the left: zeros outside the picture. */
type Predictor = (left: number, above: number, aboveLeft: number) => number;

const PREDICTORS: Readonly<Record<number, Predictor>> = {
  [FILTER.none]: () => 0,
  [FILTER.sub]: (left) => left,
  [FILTER.up]: (_left, above) => above,
  [FILTER.average]: (left, above) => (left + above) >>> 1,
  [FILTER.paeth]: paeth,
};

/**
 * The rows' bytes, from a file's rows with a filter byte before each (PNG, third edition, section
 * 9.2).
 *
 * @throws {PictureFileError} for an unknown filter
 */
export function undoFilters(filtered: Uint8Array, shape: RowShape): Uint8Array {
  const { rowBytes } = shape;
  const rowCount = filtered.length / (1 + rowBytes);
  const rows = new Uint8Array(rowCount * rowBytes);
  for (let row = 0; row < rowCount; row += 1) {
    const from = row * (1 + rowBytes);
    const filter = filtered[from] as number;
    const predict = PREDICTORS[filter];
    if (predict === undefined)
      throw new PictureFileError(`Cannot read the PNG file as row ${row} has filter ${filter}`);
    rows.set(filtered.subarray(from + 1, from + 1 + rowBytes), row * rowBytes);
    undoRow(rows, row, { ...shape, predict });
  }
  return rows;
}

function undoRow(rows: Uint8Array, row: number, shape: RowShape & { readonly predict: Predictor }): void {
  const { rowBytes, pixelBytes, predict } = shape;
  const start = row * rowBytes;
  for (let at = 0; at < rowBytes; at += 1) {
    const to = start + at;
    const isFirst = at < pixelBytes;
    const left = isFirst ? 0 : (rows[to - pixelBytes] as number);
    const above = row === 0 ? 0 : (rows[to - rowBytes] as number);
    const aboveLeft = isFirst || row === 0 ? 0 : (rows[to - rowBytes - pixelBytes] as number);
    // Stored modulo 256.
    rows[to] = (rows[to] as number) + predict(left, above, aboveLeft);
  }
}

/** The closest of the three to `left + above - aboveLeft`. */
function paeth(left: number, above: number, aboveLeft: number): number {
  const toLeft = Math.abs(above - aboveLeft);
  const toAbove = Math.abs(left - aboveLeft);
  const toAboveLeft = Math.abs(left + above - 2 * aboveLeft);
  if (toLeft <= toAbove && toLeft <= toAboveLeft) return left;
  return toAbove <= toAboveLeft ? above : aboveLeft;
}
