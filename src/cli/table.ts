/** A column of a table. */
export interface Column {
  readonly heading: string;
  readonly align: 'left' | 'right';
}

const GAP = '  ';

/** Lines of a table whose cells stand under their headings. `undefined` is a cell that has nothing to say. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly (string | undefined)[])[]): string[] {
  const lines = [columns.map((column) => column.heading), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0)));
  return lines.map((cells) =>
    columns
      .map((column, index) => pad(cells[index] ?? '', widths[index] ?? 0, column.align))
      .join(GAP)
      .trimEnd(),
  );
}

/** Breaks a text between words, so that no line is longer than `width`, unless a word is. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** A text beside its label, broken to fit `width`, with its further lines under its first. */
export function formatLabelled(label: string, text: string, width: number): string[] {
  const lines = wrapText(text, width - label.length);
  return lines.map((line, index) => `${index === 0 ? label : ' '.repeat(label.length)}${line}`);
}

function pad(text: string, width: number, align: Column['align']): string {
  return align === 'left' ? text.padEnd(width) : text.padStart(width);
}
