import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openScreen } from './ls-screen.ts';
import type { Terminal } from './terminal.ts';

function recordingTerminal(): { terminal: Terminal; printed: string[] } {
  const printed: string[] = [];
  const same = (text: string): string => text;
  const print = (line = ''): void => void printed.push(line);
  return { terminal: { print, bold: same, dim: same, showProgress: () => {}, clearProgress: () => {} }, printed };
}

test('openScreen prints one text below the other where nobody looks at a screen', () => {
  const { terminal, printed } = recordingTerminal();
  const screen = openScreen({}, terminal);
  screen.show(['a', 'b']);
  screen.show(['c']);
  assert.deepEqual(printed, ['a\nb', '\nc']);
});

test('openScreen redraws a terminal, and says what does not fit', () => {
  const { terminal, printed } = recordingTerminal();
  const screen = openScreen({ isTTY: true, rows: 4 }, terminal);
  screen.show(['a', 'b', 'c']);
  screen.show(['a', 'b', 'c', 'd']);
  openScreen({ isTTY: true, rows: 0 }, terminal).show(['a', 'b']);
  const clear = '\u001B[H\u001B[2J';
  assert.deepEqual(printed, [`${clear}a\nb\nc`, `${clear}a\nb\n… 2 more lines`, `${clear}a\nb`]);
});
