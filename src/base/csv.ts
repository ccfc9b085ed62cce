/** What a cell may begin with for a spreadsheet to take it for a formula. */
const FORMULA_START = /^[=+\-@\t\r]/u;

/**
 * Lines as RFC 4180 has them. A text that a spreadsheet would take for a formula begins with an
 * apostrophe: names of buffers and processes are anybody's.
 */
export function toCsv(lines: readonly (readonly (string | number | null)[])[]): string {
  return lines.map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('');
}

function toCell(value: string | number | null): string {
  if (typeof value === 'number') return String(value);
  const text = value ?? '';
  const safe = FORMULA_START.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
