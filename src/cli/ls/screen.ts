import type { Terminal } from '../terminal.ts';

/** Moves to the upper left corner, and erases the whole screen. */
const CLEAR = '\u001B[H\u001B[2J';

/**
 * Shows one text after the other: on a terminal in the place of the last, elsewhere below it after
 * an empty line.
 */
export function openScreen(
  stdout: { readonly isTTY?: boolean; readonly rows?: number },
  terminal: Terminal,
): { readonly show: (lines: readonly string[]) => void } {
  let isFirst = true;
  return {
    show: (lines) => {
      if (stdout.isTTY === true) terminal.print(CLEAR + clip(lines, stdout.rows).join('\n'));
      else terminal.print((isFirst ? lines : ['', ...lines]).join('\n'));
      isFirst = false;
    },
  };
}

/**
 * The last row of the screen stays free for the cursor. A terminal that does not know its height
 * has 0 rows.
 */
function clip(lines: readonly string[], rowCount = 0): readonly string[] {
  const roomCount = rowCount > 1 ? rowCount - 1 : lines.length;
  if (lines.length <= roomCount) return lines;
  const shown = lines.slice(0, roomCount - 1);
  return [...shown, `... ${lines.length - shown.length} more lines`];
}
