// Runs test files with node:test, each in a process of its own. The counts are the last thing printed.

import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const TIMEOUT_MS = 600_000;
/**
 * The time limit of all files, if one of them boots guests: each such file has its own limits for
 * them.
 */
const GUEST_TIMEOUT_MS = 4_000_000;
const NODE_OPTIONS = [process.env.NODE_OPTIONS, '--enable-source-maps'].filter(Boolean).join(' ');

export function runTests(files, checksPassed) {
  if (files.length === 0) {
    process.stdout.write('No test file matches.\n');
    process.exitCode = 1;
    return;
  }
  if (!checksPassed) process.exitCode = 1;
  process.env.NODE_OPTIONS = NODE_OPTIONS;
  const died = [];
  const bootsGuests = files.some((path) => path.includes('/dist/test/vm/'));
  const stream = run({ files, concurrency: 2, timeout: bootsGuests ? GUEST_TIMEOUT_MS : TIMEOUT_MS });
  stream.on('test:fail', (event) => {
    process.exitCode = 1;
    // The reporter prints a file's exit code, but not the signal that ended it.
    const { signal } = event.details.error ?? {};
    if (signal) died.push(`${event.name} was ended by ${signal}`);
  });
  const reporter = stream.compose(spec);
  reporter.on('end', () => {
    if (!checksPassed) process.stderr.write('A check failed: see above the tests.\n');
    for (const line of died) process.stderr.write(`${line}\n`);
  });
  reporter.pipe(process.stdout);
}
