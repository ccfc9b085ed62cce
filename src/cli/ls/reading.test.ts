import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { writeFakeProcesses } from '../../../test/support/fakes/fake-processes.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';
import { recordingTerminal } from '../../../test/support/fakes/recording-terminal.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import type { Machine } from '../../linux/machine.ts';
import { readWithProgress } from './reading.ts';

const PROCESS_COUNT = 8;

/**
 * A machine of {@link PROCESS_COUNT} processes. Reading each takes `stepMs` on the clock of this
 * test.
 */
function slowMachine(t: TestContext, stepMs: number): { machine: Machine } {
  const root = temporaryFolder(t);
  writeFakeProcesses(
    root,
    Array.from({ length: PROCESS_COUNT }, (_, index) => ({ pid: index + 1, comm: 'a' })),
  );
  let now = 0;
  t.mock.method(performance, 'now', () => {
    now += stepMs / 2;
    return now;
  });
  return { machine: otherMachine({ root }) };
}

test('readWithProgress shows its progress after a second, and clears it at the end', async (t) => {
  const { terminal, shown } = recordingTerminal();
  const { sources } = await readWithProgress(slowMachine(t, 400), terminal);
  assert.equal(sources.holders?.processCount, PROCESS_COUNT);
  assert.equal(shown.at(-1), '');
  const percents = shown.slice(0, -1).map((line) => Number(/^Reading \/proc … (\d+) %$/u.exec(line)?.[1]));
  assert.ok(percents.length >= 2 && percents.length < PROCESS_COUNT, shown.join('\n'));
  assert.deepEqual(
    percents,
    percents.toSorted((one, other) => one - other),
  );
  // At least two processes are read in the first second.
  assert.ok((percents[0] ?? 0) > 25);
});

test('readWithProgress shows no progress of a reading that takes less than a second', async (t) => {
  const { terminal, shown } = recordingTerminal();
  await readWithProgress(slowMachine(t, 100), terminal);
  assert.deepEqual(shown, ['']);
});

test('readWithProgress lets the event loop run, and ends on abort', async (t) => {
  const { terminal } = recordingTerminal();
  const abort = new AbortController();
  setImmediate(() => abort.abort());
  await assert.rejects(readWithProgress(slowMachine(t, 400), terminal, abort.signal), { name: 'AbortError' });
});
