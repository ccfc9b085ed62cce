/**
 * Which pixels of a source each pixel of a scaled row or column is made of. Pixels have their
 * middles at halves: position `(at + 1/2) * from / to - 1/2`, as OpenGL and V4L2 scalers have it.
 */

/** How pixels between those of the source are made. */
export type Filter = 'nearest' | 'bilinear';

/** Of the two weights, which add up to it: 14 bits, so that both fit 16 with a sign. */
const WEIGHT_ONE = 2 ** 14;

/** Where the module has its tables for one direction. */
export interface ScaleTable {
  readonly indexes: Uint32Array;
  readonly weights: Uint32Array;
}

/** Fills the first `to` entries for a source of `from` pixels. */
export function fillScaleTable(table: ScaleTable, filter: Filter, from: number, to: number): void {
  if (filter === 'nearest') {
    for (let at = 0; at < to; at += 1) table.indexes[at] = Math.floor(((2 * at + 1) * from) / (2 * to));
    return;
  }
  for (let at = 0; at < to; at += 1) {
    const position = Math.min(Math.max(((2 * at + 1) * from) / (2 * to) - 0.5, 0), from - 1);
    const index = Math.floor(position);
    const weight = Math.round((position - index) * WEIGHT_ONE);
    table.indexes[at] = index;
    table.weights[at] = (WEIGHT_ONE - weight) | (weight << 16);
  }
}
