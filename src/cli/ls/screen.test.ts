import assert from 'node:assert/strict';
import { test } from 'node:test';

import { recordingTerminal } from '../../../test/support/fakes/recording-terminal.ts';
import { openScreen } from './screen.ts';

test('openScreen prints one text below the other where the output is not a terminal', () => {
  const { terminal, printed } = recordingTerminal();
  const screen = openScreen({}, terminal);
  screen.show(['a', 'b']);
  screen.show(['c']);
  assert.deepEqual(printed, ['a\nb', '\nc']);
});

test('openScreen redraws a terminal, and reports the lines that do not fit', () => {
  const { terminal, printed } = recordingTerminal();
  const screen = openScreen({ isTTY: true, rows: 4 }, terminal);
  screen.show(['a', 'b', 'c']);
  screen.show(['a', 'b', 'c', 'd']);
  openScreen({ isTTY: true, rows: 0 }, terminal).show(['a', 'b']);
  const clear = '\u001B[H\u001B[2J';
  assert.deepEqual(printed, [`${clear}a\nb\nc`, `${clear}a\nb\n... 2 more lines`, `${clear}a\nb`]);
});
