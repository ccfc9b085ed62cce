import assert from 'node:assert/strict';
import { test } from 'node:test';

import { programFile } from './program-file.ts';

test('programFile() finds a program beside the module that starts it, and above the shared parts of a bundle', () => {
  for (const [module, program] of [
    ['file:///p/dist/src/measure/way.js', 'file:///p/dist/src/measure/run.js'],
    ['file:///p/dist/bundle/cli.js', 'file:///p/dist/bundle/run.js'],
    ['file:///p/dist/bundle/shared/program.js', 'file:///p/dist/bundle/run.js'],
    // A folder of another's.
    ['file:///shared/p/dist/src/way.js', 'file:///shared/p/dist/src/run.js'],
  ] as const)
    assert.equal(programFile('run.js', module).href, program);
});
