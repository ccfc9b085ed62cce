import { COLUMNS_MAX } from './terminal.ts';

/** A column of a table. */
export interface Column {
  readonly heading: string;
  readonly align: 'left' | 'right';
}

const GAP = '  ';
/**
 * A text stands below its label if it has less room than this beside it, and less than the label
 * has.
 */
const TEXT_COLUMNS_MIN = 24;
const BELOW_INDENT = '  ';

/** A row's cells. `undefined` is an empty one. */
export type Cells = readonly (string | undefined)[];

/** Lines of a table with cells below their headings. `width`: as for {@link tableRows}. */
export function formatTable(columns: readonly Column[], rows: readonly Cells[], width: number): string[] {
  return [...tableRows(columns, () => rows, width)].flat();
}

/**
 * As {@link formatTable}, the lines of one row at a time: a table of a whole machine may have half
 * a million rows. The first row is that of the headings, always one line.
 *
 * On a terminal with fewer columns than usual, and too few for the table, each row is a block
 * instead, with the heading before each cell. The row of the headings then has no line.
 *
 * @param rows called twice: first for the widths
 * @param width how many columns there are
 */
export function* tableRows(
  columns: readonly Column[],
  rows: () => Iterable<Cells>,
  width: number,
): Generator<readonly string[], void, undefined> {
  const widths = columns.map(({ heading }) => heading.length);
  for (const cells of rows()) {
    for (const index of widths.keys()) widths[index] = Math.max(widths[index] ?? 0, cells[index]?.length ?? 0);
  }
  const total = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1);
  if (width < COLUMNS_MAX && total > width) {
    yield [];
    for (const cells of rows()) yield stackCells(columns, cells, width);
    return;
  }
  const toLine = (cells: Cells): string =>
    columns
      .map(({ align }, index) => pad(cells[index] ?? '', widths[index] ?? 0, align))
      .join(GAP)
      .trimEnd();
  yield [toLine(columns.map(({ heading }) => heading))];
  for (const cells of rows()) yield [toLine(cells)];
}

/** A row as a block. A cell without a heading begins it, on a line of its own. */
function stackCells(columns: readonly Column[], cells: Cells, width: number): string[] {
  const first = (cells[0] ?? '').trimEnd();
  const indent = `${leadingBlanks(first)}${BELOW_INDENT}`;
  const hasTitle = columns[0]?.heading === '';
  const items = columns.flatMap(({ heading }, index) => {
    const cell = cells[index]?.trim() ?? '';
    if (cell === '' || (index === 0 && hasTitle)) return [];
    return [heading === '' ? cell : `${heading} ${cell}`];
  });
  const lines: string[] = hasTitle ? [first] : [];
  for (const item of items) {
    const isBelowTitle = hasTitle && lines.length === 1;
    const longer = `${lines.at(-1)}${GAP}${item}`;
    if (lines.length > 0 && !isBelowTitle && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(...formatLabelled(lines.length === 0 ? '' : indent, item, width));
  }
  return lines;
}

function leadingBlanks(text: string): string {
  return /^ */u.exec(text)?.[0] ?? '';
}

/**
 * The length of the longest text. For any number of texts: as arguments of one call, 123,000 are
 * too many.
 */
export function widthOf(texts: readonly string[]): number {
  return texts.reduce((longest, { length }) => Math.max(longest, length), 0);
}

/** Wraps a text between words, so that only a single word can be longer than `width`. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/**
 * A text beside its label, wrapped to `width`, with further lines below its first. Where that
 * leaves too little room, the whole text is below the label.
 */
export function formatLabelled(label: string, text: string, width: number): string[] {
  const room = width - label.length;
  if (label.trim() !== '' && text.length > room && room < Math.min(TEXT_COLUMNS_MIN, label.length)) {
    return [label.trimEnd(), ...formatLabelled(`${leadingBlanks(label)}${BELOW_INDENT}`, text, width)];
  }
  const lines = wrapText(text, room);
  return lines.map((line, index) => `${index === 0 ? label : ' '.repeat(label.length)}${line}`);
}

function pad(text: string, width: number, align: Column['align']): string {
  return align === 'left' ? text.padEnd(width) : text.padStart(width);
}
