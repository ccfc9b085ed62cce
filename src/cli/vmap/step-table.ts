/** Tables of costs whose rows stand in groups, below the group's title. */

import type { ReportStyle, Section } from '../report-section.ts';
import { formatLabelled, tableRows } from '../table.ts';
import type { Cells, Column } from '../table.ts';

/** Rows of one kind below their title, and the notes on them. */
export interface RowGroup {
  readonly title: string;
  readonly rows: readonly Cells[];
  readonly notes: readonly string[];
}

/**
 * The figures in the mail of the kernel patch: 2 GiB take 1,440,000 ns by the page iterator and
 * 232,000 ns by the loop over entries.
 */
export const MAIL_GAIN = 6.2;

/** Fixed, so that the columns of different reports are aligned. */
const LABEL_WIDTH = 38;
const INDENT = '  ';
const NOTE_INDENT = '    ';

/** The label of a row: its first cell. */
export function toLabel(text: string): string {
  return `    ${text}`.padEnd(LABEL_WIDTH);
}

/**
 * All rows in one table, group by group.
 *
 * @param title stands in the line of the headings, in place of the first one
 */
export function formatRowGroups(
  { title, columns, groups }: { title: string; columns: readonly Column[]; groups: readonly RowGroup[] },
  style: ReportStyle,
): Section {
  const rows = groups.flatMap((group) => group.rows);
  const [headings, ...lines] = tableRows(columns, () => rows, style.columns);
  let taken = 0;
  const grouped = groups.flatMap(({ title: groupTitle, rows: { length: count }, notes }) => {
    taken += count;
    return formatLabelled(INDENT, groupTitle, style.columns).concat(
      lines.slice(taken - count, taken).flat(),
      notes.flatMap((note) => formatLabelled(NOTE_INDENT, note, style.columns)).map((line) => style.dim(line)),
    );
  });
  const [line = ''] = headings ?? [];
  return { heading: `${title}${line.slice(title.length)}`, lines: grouped };
}
